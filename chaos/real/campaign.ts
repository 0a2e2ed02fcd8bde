import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { objectAt, textAt } from '../checkers/history.ts';
import { Nemesis, pause } from './nemesis.ts';
import type { Observer } from './observer.ts';
import type { Plan } from './plan.ts';
import { checksOf, failoversIn, type RealReport } from './report.ts';
import type { Watch } from './watch.ts';
import { Workload } from './workload.ts';

/** Once nothing is broken any more, everything that should run runs within this time, ms. */
const healWithinMs = 180_000;
/** A node that is not back by itself after this time is power-cycled by hand, ms. */
const returnPatienceMs = 45_000;

export interface CampaignOptions {
  readonly plan: Plan;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Faults and calls of a plan, on a lab without VMs; then everything is mended and has to become
 * well.
 *
 * @throws the signal's reason when aborted.
 */
export async function runCampaign(
  watch: Watch,
  { plan, say, signal }: CampaignOptions,
): Promise<RealReport> {
  const { observer, site, client } = watch;
  const stamped = (line: string): void =>
    say(`${(observer.nowMs() / 1000).toFixed(1).padStart(7)} s  ${line}`);
  const nemesis = new Nemesis(watch, stamped);
  const workload = new Workload(site.lab, client);
  const unlisten = tellFences(observer, stamped);
  for (let vm = 1; vm <= workload.names.length; vm += 1) workload.ask({ verb: 'create', vm });
  await workload.settled();
  await site.healthy(healWithinMs);
  stamped(`${workload.names.length} VMs run; ${plan.faults.length} faults follow`);
  await playPlan(plan, nemesis, workload, observer, signal);
  stamped('everything is mended; all that should run has to run');
  const helped: string[] = [];
  const healedMs = await heal(watch, helped, stamped, signal);
  if (healedMs !== null) {
    stamped(`all is well after ${(healedMs / 1000).toFixed(1)} s`);
    await makeAgain(watch, workload, signal);
  }
  unlisten();
  const { seed, minutes } = plan;
  return {
    seed,
    minutes,
    vms: workload.names.length,
    faults: nemesis.done.toSorted((a, b) => a.atMs - b.atMs),
    failovers: failoversIn(observer.log.list('failover/')),
    violations: watch.violations(),
    checks: { ...checksOf(watch), helped, healedMs },
  };
}

async function playPlan(
  plan: Plan,
  nemesis: Nemesis,
  workload: Workload,
  observer: Observer,
  signal: AbortSignal,
): Promise<void> {
  const zeroMs = observer.nowMs();
  const steps = [
    ...plan.faults.map((one) => ({ atMs: one.atMs, run: () => nemesis.strike(one, signal) })),
    ...plan.calls.map((one) => ({ atMs: one.atMs, run: () => workload.ask(one) })),
  ].sort((a, b) => a.atMs - b.atMs);
  for (const { atMs, run } of steps) {
    await pause(zeroMs + atMs - observer.nowMs(), signal);
    if (signal.aborted) break;
    run();
  }
  await pause(zeroMs + plan.minutes * 60_000 - observer.nowMs(), signal);
  await nemesis.settled();
  await workload.settled();
  signal.throwIfAborted();
}

/** VMs that clients deleted are made anew and have to run: a disk that nothing frees is found by it. */
async function makeAgain(
  { site, observer }: Watch,
  workload: Workload,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = performance.now() + healWithinMs;
  try {
    for (;;) {
      const missing = await workload.complete();
      if (missing.length === 0) break;
      if (performance.now() > untilMs)
        throw new Error(`no VM can be made on ${missing.join(', ')}`);
      await pause(500, signal);
      signal.throwIfAborted();
    }
    await site.healthy(healWithinMs);
  } catch (error) {
    if (signal.aborted) throw error;
    observer.violated('liveness', `${(error as Error).message}; ${await whatIsWrong(site)}`);
  }
}

/** @returns how long it took; null when it never became well, which is a violation. */
async function heal(
  watch: Watch,
  helped: string[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<number | null> {
  const { site, observer } = watch;
  const sinceMs = observer.nowMs();
  const starter = new AbortController();
  const starting = startFailed(watch, helped, say, starter.signal);
  try {
    const onHelp = (node: string): void => void helped.push(node);
    await site.restore({ returnPatienceMs, patienceMs: healWithinMs, onHelp });
    return Math.round(observer.nowMs() - sinceMs);
  } catch (error) {
    if (signal.aborted) throw error;
    const { message } = error as Error;
    observer.violated('liveness', `${message}; ${await whatIsWrong(site)}`);
    return null;
  } finally {
    starter.abort();
    await starting;
  }
}

/**
 * What a person does about a VM that Kennel has given up for a while because it could not be
 * started, once the reason is mended: `kennel vm start`.
 */
async function startFailed(
  { site, client }: Watch,
  helped: string[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const vms = await site.client.vms({ timeoutMs: 5000 });
    for (const vm of vms.kind === 'ok' ? vms.value : []) {
      if (vm.state !== 'failed' || vm.desired !== 'running') continue;
      helped.push(vm.name);
      say(`${vm.name} had failed and is started by hand: ${vm.reason ?? 'no reason'}`);
      await client.call('start', vm.id, (api, options) => api.startVm(vm.id, options));
    }
    await pause(1000, signal);
  }
}

async function whatIsWrong(site: WatchedCluster): Promise<string> {
  const status = await site.client.status({ timeoutMs: 5000 });
  if (status.kind === 'problem') return `no status: ${status.problem.because}`;
  const { nodes, vms } = status.value;
  const said = [
    ...nodes.map((node) => `${node.name} ${node.state}, libvirt ${node.hypervisor}`),
    ...vms
      .filter((vm) => vm.desired === 'running' && vm.state !== 'running')
      .map((vm) => `${vm.name} ${vm.state} on ${vm.node ?? 'no node'}`),
  ];
  return said.join('; ');
}

function tellFences(observer: Observer, say: (line: string) => void): () => void {
  const phases = new Map<string, string>();
  return observer.listen((fact) => {
    if (fact.kind !== 'write' || fact.value === null || !fact.key.startsWith('fence/')) return;
    const [phase, node] = [textAt(fact.value, 'phase'), textAt(fact.value, 'node')];
    if (phase === null || phases.get(fact.key) === phase) return;
    phases.set(fact.key, phase);
    const kind = textAt(objectAt(fact.value, 'proof') ?? {}, 'kind');
    const by = kind === null ? '' : ` by ${kind}`;
    say(`  ${fact.key.slice('fence/'.length)} of ${node}: ${phase}${by}`);
  });
}
