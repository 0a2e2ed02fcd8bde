import { expect, test } from 'vitest';
import type { ClusterNode } from '../../chaos/sim/cluster-node.ts';
import type { SimTaps, TappedMessage } from '../../chaos/sim/taps.ts';
import { clusterOfVms, strongWatchdog, type ClusterOfVms } from './testing/cluster-of-vms.ts';

/** So many nodes that fence themselves, each with a VM, and as many that hold as `others` says. */
async function heldSite(nodes: number, others = 0, taps: SimTaps = {}): Promise<ClusterOfVms> {
  const all = Array.from({ length: nodes + others }, (_, index) => index + 1);
  const fencing = all.slice(0, nodes).map((number) => `node-${number}`);
  const it = await clusterOfVms({
    nodes: all.length,
    managers: 2,
    bootMs: 5000,
    taps,
    watchdogs: Object.fromEntries(fencing.map((name) => [name, strongWatchdog])),
    vms: Object.fromEntries(all.map((number) => [`vm-${number}`, {}])),
  });
  const isTold = (name: string): boolean => {
    const { incarnation } = it.stored(`node/${name}`) as {
      incarnation?: { isolation: string; membership?: string };
    };
    const { mark } = it.stored('membership') as { mark?: string };
    return incarnation?.isolation === 'selfFencing' && incarnation.membership === mark;
  };
  await it.until(() => fencing.every(isTold));
  await it.runFor(3000);
  return it;
}

const managersOf = ({ cluster }: ClusterOfVms): readonly string[] =>
  cluster.managers.map(({ name }) => name);

function cutFromManagers(it: ClusterOfVms, nodes: readonly ClusterNode[]): void {
  const { network } = it.cluster.world;
  for (const { name } of nodes) for (const one of managersOf(it)) network.cutBoth(name, one);
}

function healToManagers(it: ClusterOfVms, nodes: readonly ClusterNode[]): void {
  const { network } = it.cluster.world;
  for (const { name } of nodes) for (const one of managersOf(it)) network.healBoth(name, one);
}

const isPromise = ({ message }: TappedMessage): boolean =>
  (message as { kind?: unknown }).kind === 'promise' &&
  (message as { promised?: unknown }).promised === true;

test('W6: managers cut off from all nodes fence none, and no VM stops, whichever way its node is isolated', async () => {
  const it = await heldSite(3, 2);
  const before = it.history();
  cutFromManagers(it, it.cluster.nodes);
  await it.runFor(120_000);
  expect(it.history()).toEqual(before);
  expect(it.offs()).toEqual([0, 0, 0, 0, 0]);
  healToManagers(it, it.cluster.nodes);
  await it.runFor(60_000);
  expect(it.history()).toEqual(before);
  expect(it.offs()).toEqual([0, 0, 0, 0, 0]);
  for (const { agent } of it.cluster.nodes) expect(agent?.status().leaseLeftMs).toBeGreaterThan(0);
});

test('W19: half of the nodes have leases again, half hold each other: nothing is proven by time, and nothing runs twice', async () => {
  let lastPromiseMs = 0;
  const it = await heldSite(4, 0, {
    left: (sent) => {
      if (sent.from === 'node-4' && isPromise(sent)) lastPromiseMs = sent.sentAtMs;
    },
  });
  const { time, network } = it.cluster.world;
  const [first, second, third, fourth] = it.cluster.nodes;
  if (!first || !second || !third || !fourth) throw new Error('four nodes are wanted');
  for (const { bmc } of [third, fourth]) bmc.mode = { kind: 'dead' };
  cutFromManagers(it, it.cluster.nodes);
  await it.runFor(30_000);
  const before = it.history();
  healToManagers(it, [first, second]);
  await it.until(() =>
    [first, second].every(({ agent }) => (agent?.status().leaseLeftMs ?? 0) > 0),
  );
  await it.runFor(90_000);
  expect(it.history()).toEqual(before);

  // Now the fourth may have a lease: not before what it promised is over.
  network.isolate(third.name);
  const healedMs = time.nowMs;
  healToManagers(it, [fourth]);
  await it.until(() => (fourth.agent?.status().leaseLeftMs ?? 0) > 0);
  expect(lastPromiseMs).toBeGreaterThan(0);
  expect(time.nowMs - lastPromiseMs).toBeGreaterThanOrEqual(2000);
  await it.until(() => third.runningVms().length === 0, 15_000);
  await it.until(() => it.everyVmRuns(), 60_000);
  // (L + G + 2W)(1 + rho) + tau from when more than half had leases.
  expect(time.nowMs - healedMs).toBeGreaterThan(19_000 * 1.01 + 4000);
  const proofs = it.cluster.store.machine
    .list('fence/')
    .map(({ value }) => JSON.parse(value) as { node: string; proof: { kind: string } | null })
    .filter(({ proof }) => proof !== null);
  expect(proofs).toMatchObject([{ node: third.name, proof: { kind: 'selfFence' } }]);
  expect(it.overlaps()).toEqual([]);
});

test('W20: a promise that comes late, because its peer stood still, counts from its question, and then for nothing', async () => {
  const world: { nowMs: () => number } = { nowMs: () => 0 };
  /** Sending of each question of the first node to the second, by its number, true time. */
  const asked = new Map<unknown, number>();
  let answeredMs = 0;
  const late: number[] = [];
  const beyond: number[] = [];
  const it = await heldSite(3, 0, {
    left: ({ from, to, message, sentAtMs }) => {
      const { kind, sequence } = message as { kind?: unknown; sequence?: unknown };
      if (from === 'node-1' && to === 'node-2' && kind === 'promiseAsk') {
        asked.set(sequence, sentAtMs);
      }
    },
    delivered: (sent) => {
      if (sent.from !== 'node-2' || sent.to !== 'node-1' || !isPromise(sent)) return;
      answeredMs = asked.get((sent.message as { sequence?: unknown }).sequence) ?? 0;
      late.push(world.nowMs() - answeredMs);
    },
    petterTook: ({ node, nowMs, deadlineMs }) => {
      const leftMs = deadlineMs - nowMs;
      if (node === 'node-1') beyond.push(world.nowMs() + leftMs - (answeredMs + 6000));
    },
  });
  const { network, time } = it.cluster.world;
  world.nowMs = () => time.nowMs;
  const [first, second, third] = it.cluster.nodes;
  if (!first || !second || !third) throw new Error('three nodes are wanted');
  cutFromManagers(it, it.cluster.nodes);
  await it.runFor(20_000);
  // From now on the second alone could hold the first.
  network.cutBoth(first.name, third.name);
  await it.runFor(10_000);

  [late.length, beyond.length] = [0, 0];
  second.process?.pause('stopped');
  await it.runFor(1900);
  second.process?.resume('stopped');
  await it.runFor(1000);
  expect(Math.max(...late)).toBeGreaterThan(1000);
  expect(beyond.length).toBeGreaterThan(0);
  expect(Math.max(...beyond)).toBeLessThanOrEqual(1);

  beyond.length = 0;
  second.process?.pause('stopped');
  const pausedMs = time.nowMs;
  await it.runFor(4500);
  expect(first.runningVms()).toHaveLength(1);
  // What was asked meanwhile may be answered now, and nothing more can be asked.
  network.cut(first.name, second.name);
  second.process?.resume('stopped');
  await it.until(() => first.runningVms().length === 0, 30_000);
  expect(beyond.filter((ms) => ms > 1)).toEqual([]);
  // L from the last question that was answered in time, and G to kill.
  expect(time.nowMs - pausedMs).toBeLessThan(6000 + 3000);
});
