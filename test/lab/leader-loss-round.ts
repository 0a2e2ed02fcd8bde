import { readFileSync } from 'node:fs';
import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import type { LabNode } from '../../deploy/lab/node-machine.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import type { FailoverView } from '../../src/api/schema/views.ts';
import { diskProblems } from './disk-problems.ts';

/**
 * How far a failover has come when the leader is struck: the intent is committed, `off` has reached
 * the BMC, the BMC is being read, proof and placement are committed, a VM has started elsewhere.
 */
export const steps = ['intent', 'off', 'verify', 'placed', 'started'] as const;
export type Step = (typeof steps)[number];

/**
 * `kill`: SIGKILL. `pause`: SIGSTOP, and woken when another one leads. `longPause`: woken when the
 * failover is long over and the node is back. `cut`: its cable is pulled until the failover is over;
 * an etcd member beside it is cut off too.
 */
export const faults = ['kill', 'pause', 'longPause', 'cut'] as const;
export type Fault = (typeof faults)[number];

/** One failover in which the leader was lost. Times in ms after it was struck. */
export interface LossRound {
  readonly step: Step;
  readonly fault: Fault;
  readonly victim: string;
  readonly vms: number;
  readonly leader: string;
  readonly nextLeader: string;
  /** From the failure of the node to the strike. */
  readonly struckAfterMs: number;
  readonly ledAgainAtMs: number;
  readonly allRunAtMs: number;
  /** How often the BMC was told to switch the node off. */
  readonly offs: number;
  /** What was not as it should be; empty = every VM started once, and the old leader did nothing. */
  readonly problems: readonly string[];
}

/**
 * Freezes the node that runs most VMs, strikes the leader as soon as the failover has come to `step`,
 * and waits until every VM runs elsewhere, the node is back and the old leader follows. Looks then at
 * what the disks, libvirt, the BMC and the records say.
 */
export async function loseLeaderInFailover(
  site: WatchedCluster,
  step: Step,
  fault: Fault,
): Promise<LossRound> {
  const { cluster, lab } = site;
  const { machine, vms } = await site.busiest();
  const disks = lab.disks().map((disk) => disk.name);
  const boots = site.bootsOf(disks);
  const known = new Set((await site.failovers()).map((failover) => failover.id));
  const leader = await cluster.leader();
  const manager = cluster.manager(leader);
  const since = {
    log: readFileSync(manager.log).length,
    calls: lab.bmcCalls(machine.number).length,
  };
  const callsNow = () => lab.bmcCalls(machine.number).slice(since.calls);
  const offs = (): number => callsNow().filter(({ words }) => words === 'set power 0').length;
  // What the struck manager says may be old.
  await cluster.openClient({ without: leader });

  const failedMs = performance.now();
  await machine.freeze();
  await waitUntil(
    `the failover has come to ${step}`,
    () => {
      const said = (code: string): boolean =>
        readFileSync(manager.log, 'utf8').slice(since.log).includes(`"${code}"`);
      const words = callsNow().map((call) => call.words);
      switch (step) {
        case 'intent':
          return said('FENCE_INTENT');
        case 'off':
          return offs() > 0;
        case 'verify':
          return offs() > 0 && words.slice(words.indexOf('set power 0')).includes('get power');
        case 'placed':
          return said('NODE_FENCED');
        case 'started':
          return vms.some((vm) => site.boots(vm) > (boots[vm] ?? 0));
        default:
          return step satisfies never;
      }
    },
    { timeoutMs: 30_000, everyMs: 4 },
  );
  const struckMs = performance.now();
  const sinceStrike = (): number => Math.round(performance.now() - struckMs);
  if (fault === 'kill') manager.signal('SIGKILL');
  else if (fault === 'cut') await lab.setManagerCable(leader, 'down');
  else manager.signal('SIGSTOP');

  const nextLeader = await cluster.leader(leader);
  const ledAgainAtMs = sinceStrike();
  if (fault === 'pause') manager.signal('SIGCONT');
  await site.recovered(vms, machine.name);
  const allRunAtMs = sinceStrike();
  const fresh = async () => (await site.failovers()).filter(({ id }) => !known.has(id));
  await waitUntil(
    'the failover record is closed',
    async () => (await fresh()).some(({ outcome }) => outcome !== 'open'),
    { timeoutMs: 30_000, everyMs: 50 },
  );
  if (fault === 'cut') await lab.setManagerCable(leader, 'up');
  await bringBack(site, machine);
  const offsBefore = offs();
  if (fault === 'longPause') manager.signal('SIGCONT');
  if (fault === 'kill') await cluster.startManager(leader);
  await cluster.openClient();
  await untilAllFollow(site);
  await site.healthy();
  await site.beating(disks);

  const problems = [...recordProblems(await fresh(), machine.name)];
  if (offs() !== offsBefore) problems.push(`${machine.name} was switched off when it was back`);
  problems.push(...(await diskProblems(site, { vms, boots })));
  return {
    step,
    fault,
    victim: machine.name,
    vms: vms.length,
    leader: `manager-${leader}`,
    nextLeader: `manager-${nextLeader}`,
    struckAfterMs: Math.round(struckMs - failedMs),
    ledAgainAtMs,
    allRunAtMs,
    offs: offs(),
    problems,
  };
}

async function bringBack(site: WatchedCluster, machine: LabNode): Promise<void> {
  await machine.thaw();
  await machine.powerOn();
  await site.healthy();
}

/** Every manager answers and one of them leads: the old leader has found its place. */
async function untilAllFollow(site: WatchedCluster): Promise<void> {
  await waitUntil(
    'every manager answers',
    async () => {
      const view = await site.client.managers({ timeoutMs: 5000 });
      if (view.kind === 'problem') return false;
      const { managers } = view.value;
      return managers.every((one) => one.healthy) && managers.some((one) => one.leads);
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );
}

function recordProblems(fresh: readonly FailoverView[], node: string): readonly string[] {
  const problems = fresh.flatMap(({ id, node: of, outcome, proof }) => {
    if (of !== node) return [`${id} is of ${of}, which was well`];
    return outcome === 'completed' && proof !== null ? [] : [`${id} is ${outcome}`];
  });
  return fresh.length === 1 ? problems : [...problems, `${fresh.length} failovers`];
}
