import { randomUUID } from 'node:crypto';
import { tinyVmSpec } from '../../deploy/lab/cluster/kennel-cluster.ts';
import { profiles } from '../../src/core/model/settings.ts';
import type { FenceOperation } from '../../src/core/model/fence-operation.ts';
import type { VmRecord } from '../../src/core/model/vm.ts';
import { decodeObject } from '../../src/manager/object-codec.ts';
import { statusOf } from '../scenarios/final-state.ts';
import { judge } from '../scenarios/judge.ts';
import { kennelSchema } from '../scenarios/kennel-schema.ts';
import type { FinalService, RunOutcome } from '../scenarios/outcome.ts';
import type { Scenario } from '../scenarios/schema.ts';
import type { ScenarioResult } from '../scenarios/verdict.ts';
import { pause } from './nemesis.ts';
import { Person } from './person.ts';
import { placeNames, type PlacedVm, type PlaceNames } from './place-names.ts';
import { actKennelOnLab, actOnLab, type LabStage } from './scenario-actions.ts';
import { ScenarioMonitor } from './scenario-monitor.ts';
import { labFor, labLacks } from './scenario-needs.ts';
import type { Watch } from './watch.ts';

/** The first action follows so long after everything runs, ms: a lab is not watched doing nothing. */
const leadMs = 1500;
/** After the last action a run is looked at for so much longer than a silence may last, ms. */
const lookAfterMs = 4000;
/** An outcome as it should be is one when it stays so for this time, ms. */
const settledMs = 1500;
/** Beyond `end_t`: a busy machine is slower than a simulated one. Bounds are judged all the same. */
const latenessMs = 60_000;

/**
 * Runs a scenario on a lab and judges it by the format's pass rule; what the checkers object to
 * meanwhile is a deviation too. A scenario that a lab cannot be is excluded, with what is missing.
 * The lab may hold VMs of an earlier scenario; it is left well.
 */
export async function verdictOnLab(
  watch: Watch,
  scenario: Scenario,
  signal: AbortSignal,
): Promise<ScenarioResult> {
  const excluded = exclusionOf(scenario);
  if (excluded !== null) return excluded;
  const before = watch.violations().length;
  const reasons: string[] = [];
  try {
    const names = await place(watch, scenario);
    const fault = 'Kennel placed the VMs in another pattern';
    reasons.push(...(names === null ? [fault] : await play(watch, scenario, names, signal)));
    await watch.site.restore({ patienceMs: 120_000 });
  } catch (error) {
    if (signal.aborted) throw error;
    reasons.push(`the run ended early: ${error instanceof Error ? error.message : String(error)}`);
  }
  watch.calmAll();
  for (const { checker, message } of watch.violations().slice(before)) {
    reasons.push(`checker ${checker}: ${message}`);
  }
  return resultOf(scenario, reasons.length === 0 ? 'pass' : 'fail', reasons);
}

/** Why a scenario is not run on a lab; null when it can be. */
export function exclusionOf(scenario: Scenario): ScenarioResult | null {
  const { portability } = scenario;
  if (portability.class === 'peer-specific' || portability.exclude) {
    return resultOf(scenario, 'excluded', ['peer-specific: means nothing here']);
  }
  const lacks = labLacks(scenario);
  return lacks.length === 0 ? null : resultOf(scenario, 'excluded', lacks);
}

function resultOf(
  { id, portability }: Scenario,
  verdict: ScenarioResult['verdict'],
  reasons: readonly string[],
): ScenarioResult {
  return { id, class: portability.class, verdict, reasons };
}

/** Makes the VMs anew, one after the other, so that they spread over the nodes. */
async function place(watch: Watch, scenario: Scenario): Promise<PlaceNames | null> {
  const { site, client } = watch;
  const { lab } = site;
  const ofLab = lab.nodes().map((node) => node.name);
  const order = [...scenario.services].sort((a, b) => (a.node < b.node ? -1 : 1));
  const disks = lab.disks().slice(0, order.length);
  if (disks.length < order.length) throw new Error(`the lab has only ${disks.length} disks`);
  for (const { id } of (await site.status()).vms) {
    await client.call('delete', id, (api, options) => api.deleteVm(id, options));
  }
  await site.until('no VM is left', ({ vms }) => vms.length === 0);
  const ids = new Map<string, string>();
  for (const [index, { id: service }] of order.entries()) {
    const disk = disks[index];
    if (disk === undefined) continue;
    const vm = randomUUID();
    // Never the name of an earlier one: see `workload`.
    const spec = { ...tinyVmSpec(disk), name: `${disk.name}-${vm.slice(0, 8)}` };
    ids.set(service, vm);
    const made = await client.call('create', vm, (api, options) =>
      api.createVm({ id: vm, desired: 'running', node: null, spec }, options),
    );
    if (made.result !== 'ok') throw new Error(`no VM for ${service}: ${made.detail}`);
    await site.until(`${disk.name} has a node`, ({ vms }) =>
      vms.some((one) => one.id === vm && one.node !== null),
    );
  }
  const { vms } = await site.healthy();
  const placed = [...ids].map(([service, vm]): PlacedVm => {
    const found = vms.find((one) => one.id === vm);
    return { service, vm, name: found?.name ?? '', labNode: found?.node ?? '' };
  });
  return placeNames(scenario, placed, ofLab);
}

/** From the first action to the outcome; what of it is not as the file says. */
async function play(
  watch: Watch,
  scenario: Scenario,
  names: PlaceNames,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { observer } = watch;
  const extension = scenario['x-kennel'] ?? kennelSchema.parse({});
  const firstS = Math.min(
    ...[...scenario.timeline, ...extension.timeline].map((action) => action.t_seconds),
  );
  const zeroMs = observer.nowMs() + leadMs - firstS * 1000;
  const nowS = (): number => Math.round(observer.nowMs() - zeroMs) / 1000;
  const monitor = new ScenarioMonitor(names, nowS);
  for (const { vm, node } of observer.sample.domains) {
    monitor.runsAlready(vm, node, observer.sample.boots.get(node) ?? null);
  }
  const unlisten = observer.listen((fact) => monitor.take(fact));
  const later: Promise<void>[] = [];
  const restartS = extension.managers === undefined ? 2 : extension.managers.restart_seconds;
  const stage: LabStage = {
    watch,
    names,
    person: new Person(watch, signal),
    managerRestartMs: restartS === null ? null : restartS * 1000,
    later: (delayMs, work) => void later.push(pause(delayMs, signal).then(work)),
  };
  const steps: readonly Step[] = [
    ...scenario.timeline.map((action) => ({
      t: action.t_seconds,
      when: undefined,
      perform: () => actOnLab(stage, action),
    })),
    ...extension.timeline.map((action) => ({
      t: action.t_seconds,
      when: action.when,
      perform: () => actKennelOnLab(stage, action),
    })),
  ].sort((a, b) => a.t - b.t);
  try {
    for (const step of steps) {
      await pause(zeroMs + step.t * 1000 - observer.nowMs(), signal);
      if (step.when === undefined) await step.perform();
      else later.push(performWhen(step, names.labNode(step.when.fence_of), monitor, signal));
    }
    await Promise.all(later);
    return await settle({ stage, monitor, scenario, nowS, signal });
  } finally {
    unlisten();
  }
}

interface Step {
  readonly t: number;
  readonly when: { readonly fence_of: string; readonly phase: string } | undefined;
  readonly perform: () => Promise<void>;
}

/** At the first moment at which the newest fence operation against a node is in that phase. */
async function performWhen(
  { when, perform }: Step,
  labNode: string,
  monitor: ScenarioMonitor,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = performance.now() + latenessMs;
  while (monitor.fencePhase(labNode) !== when?.phase) {
    if (signal.aborted || performance.now() > untilMs) return;
    await pause(5, signal);
  }
  await perform();
}

interface Run {
  readonly stage: LabStage;
  readonly monitor: ScenarioMonitor;
  readonly scenario: Scenario;
  readonly nowS: () => number;
  readonly signal: AbortSignal;
}

/** Waits until the outcome is as it should be and stays so, or until the time is over. */
async function settle(run: Run): Promise<readonly string[]> {
  const { scenario, nowS, signal } = run;
  const { failAfterMs } = profiles[labFor(scenario).profile];
  const notBeforeS = nowS() + (failAfterMs + lookAfterMs) / 1000;
  const untilS = Math.max(scenario.end_t, notBeforeS) + latenessMs / 1000;
  let goodSinceS: number | null = null;
  for (;;) {
    signal.throwIfAborted();
    const reasons = judge(scenario, outcomeOf(run));
    goodSinceS = reasons.length > 0 ? null : (goodSinceS ?? nowS());
    const isSettled = goodSinceS !== null && nowS() - goodSinceS >= settledMs / 1000;
    if (isSettled && nowS() >= notBeforeS) return [];
    if (nowS() > untilS) return reasons;
    await pause(200, signal);
  }
}

function outcomeOf({ stage, monitor, scenario, nowS }: Run): RunOutcome {
  const { watch, person } = stage;
  const unanswered = person.waiting === 0 ? [] : [`${person.waiting} commands were not answered`];
  return {
    ...monitor.summary(),
    ...finalOn(watch, scenario, stage.names),
    refused: [...person.refused, ...unanswered].map((text) => ({ t: nowS(), text })),
    hash: '',
  };
}

/** How the services are now: what runs by the process table, the rest by the store. */
function finalOn(
  { observer }: Watch,
  scenario: Scenario,
  names: PlaceNames,
): Pick<RunOutcome, 'services' | 'inError' | 'wantedButNotRunning'> {
  const fences = observer.log.list('fence/').flatMap(({ value }) => {
    const object = decodeObject(value);
    return object?.kind === 'fence' ? [object satisfies FenceOperation] : [];
  });
  const services: Record<string, FinalService> = {};
  const inError: string[] = [];
  const wantedButNotRunning: string[] = [];
  for (const service of Object.keys(scenario.expect.final.services)) {
    const { vm: id } = names.vmOf(service);
    const text = observer.log.get(`vm/${id}`);
    const object = text === null ? null : decodeObject(text);
    const vm: VmRecord | null = object?.kind === 'vm' ? object : null;
    const running = observer.sample.domains.find((one) => one.vm === id);
    const owner = running?.node ?? vm?.permit?.node ?? null;
    const status = statusOf(vm, fences);
    services[service] = {
      managed: vm !== null && vm.desired !== 'ignored',
      node: owner === null ? null : names.nodeOf(owner),
      instance: running === undefined ? 'stopped' : 'running',
      status,
    };
    if (status === 'error') inError.push(service);
    if (vm?.desired === 'running' && running === undefined) wantedButNotRunning.push(service);
  }
  return {
    services,
    inError: inError.sort(),
    wantedButNotRunning: wantedButNotRunning.sort(),
  };
}
