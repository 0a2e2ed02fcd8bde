import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { diskProblems } from './disk-problems.ts';

/** One failover in which the manager was killed. Times in ms after the node lost its power. */
export interface KillRound {
  readonly victim: string;
  /** How many VMs it ran. */
  readonly vms: number;
  readonly killedAtMs: number;
  /** How far the failover had come: the newest event before the kill; null = nothing was noticed. */
  readonly before: string | null;
  readonly leadsAgainAtMs: number;
  readonly allRunAtMs: number;
  /** What was not as it should be; empty = exactly one running copy of each VM, all on record. */
  readonly problems: readonly string[];
}

/**
 * Cuts the power of the node that runs most VMs, kills the manager after `killAfterMs`, starts it
 * again, and waits until every VM runs elsewhere and the node is back. Looks then at what the
 * disks, libvirt and the records say.
 */
export async function killManagerInFailover(
  site: WatchedCluster,
  killAfterMs: number,
): Promise<KillRound> {
  const { machine, vms } = await site.busiest();
  const disks = (await site.status()).vms.map((vm) => vm.name);
  const [boots, mark] = [site.bootsOf(disks), await site.now()];
  const known = new Set((await site.failovers()).map((failover) => failover.id));

  const beganMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - beganMs);
  await machine.powerLoss();
  await delay(Math.max(0, killAfterMs - sinceMs()));
  site.cluster.manager().signal('SIGKILL');
  const killedAtMs = sinceMs();
  await site.cluster.startManager();
  const leadsAgainAtMs = sinceMs();
  const killedAt = Date.now() - (sinceMs() - killedAtMs);
  await site.recovered(vms, machine.name);
  const allRunAtMs = sinceMs();
  await machine.powerOn();
  await site.healthy();
  await site.beating(disks);

  const fresh = async () => (await site.failovers()).filter(({ id }) => !known.has(id));
  await waitUntil(
    'the failover record is complete',
    async () => (await fresh()).some(({ outcome }) => outcome === 'completed'),
    { timeoutMs: 30_000, everyMs: 100 },
  ).catch(() => null);
  const problems: string[] = [];
  for (const failover of await fresh()) {
    const { id, node, outcome, proof } = failover;
    if (node !== machine.name) problems.push(`${id} is of ${node}, which had its power`);
    else if (outcome !== 'completed' || proof === null) problems.push(`${id} is ${outcome}`);
  }
  if ((await fresh()).length !== 1) problems.push(`${(await fresh()).length} failovers`);
  problems.push(...(await diskProblems(site, { vms, boots })));
  const events = (await site.events(mark)).filter((event) => Date.parse(event.at) < killedAt);
  return {
    victim: machine.name,
    vms: vms.length,
    killedAtMs,
    before: events.at(-1)?.code ?? null,
    leadsAgainAtMs,
    allRunAtMs,
    problems,
  };
}
