import { describe, expect, test } from 'vitest';
import type { ClusterManager } from '../../chaos/sim/cluster-manager.ts';
import type { SimTaps } from '../../chaos/sim/taps.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

function leaderOf({ cluster }: ClusterOfVms): ClusterManager {
  const [leader] = cluster.leaders();
  if (leader === undefined) throw new Error('nobody leads');
  return leader;
}

/** Lets leaders die until this manager leads. */
async function lead(it: ClusterOfVms, name: string): Promise<void> {
  for (let tries = 0; tries < 30; tries += 1) {
    await it.until(() => it.cluster.leaders().length === 1);
    if (leaderOf(it).name === name) return;
    leaderOf(it).machine.crash('manager');
    await it.runFor(1000);
  }
  throw new Error(`${name} does not come to lead`);
}

function split(it: ClusterOfVms, side: readonly string[]): void {
  const { network } = it.cluster.world;
  const isBmc = (host: string): boolean => host.startsWith('bmc-') || host.startsWith('pdu-');
  const others = network.hosts().filter((host) => !side.includes(host) && !isBmc(host));
  network.partition([side, others]);
}

test('W5: of five managers that split, the three act, and the two step down and fence nobody', async () => {
  const sent: { readonly manager: string; readonly bmcHost: string }[] = [];
  const taps: SimTaps = {
    toolStarted: (manager, bmcHost, action) => {
      if (action === 'off') sent.push({ manager, bmcHost });
    },
  };
  const it = await clusterOfVms({ store: 'raft', managers: 5, taps });
  const node = it.homeOf('vm-1');
  const first = leaderOf(it);
  const second = it.cluster.managers.find((one) => one !== first);
  if (second === undefined) throw new Error('there is one manager');
  // The two see one node and have lost the other two; the three have lost that one.
  split(it, [first.name, second.name, node.name]);
  await it.until(() => !it.cluster.whereIs('vm-1').includes(node.name) && it.everyVmRuns());
  expect(leaderOf(it)).not.toBe(first);
  await it.runFor(60_000);
  expect(it.cluster.leaders()).toHaveLength(1);
  expect([first, second]).not.toContain(leaderOf(it));
  expect(new Set(sent.map(({ bmcHost }) => bmcHost))).toEqual(new Set([node.fencedBy.bmcHost]));
  for (const { manager } of sent) expect([first.name, second.name]).not.toContain(manager);
  expect(it.overlaps()).toEqual([]);
  it.cluster.world.network.healAll();
  node.machine.powerOn();
  await it.until(() => it.stored(`node/${node.name}`)['phase'] === 'online', 120_000);
  expect(it.everyVmRuns()).toBe(true);
});

describe('W16: a site of two nodes with a manager on each and a third one elsewhere', () => {
  const site = (): Promise<ClusterOfVms> =>
    clusterOfVms({ store: 'raft', managers: 3, nodes: 2, vms: { 'vm-1': {}, 'vm-2': {} } });

  test.each(['m-1', 'm-2', 'm-3'])(
    'whose link between the nodes is cut while %s leads: the third manager sees both, nobody is fenced',
    async (name) => {
      const it = await site();
      await lead(it, name);
      await it.runFor(10_000);
      const before = it.history();
      it.cluster.world.network.partition([
        ['node-1', 'm-1'],
        ['node-2', 'm-2'],
      ]);
      await it.runFor(120_000);
      expect(it.offs()).toEqual([0, 0]);
      expect(it.history()).toEqual(before);
    },
  );

  test.each([
    ['node-1', 'm-1', 'node-2'],
    ['node-2', 'm-2', 'node-1'],
  ])(
    'where the third manager sees all but %s: the other side has the quorum and fences it, never both',
    async (lost, itsManager, kept) => {
      const it = await site();
      await lead(it, itsManager);
      split(it, [lost, itsManager]);
      await it.until(
        () => it.everyVmRuns() && it.vms.every((vm) => it.homeOf(vm).name === kept),
        120_000,
      );
      await it.runFor(60_000);
      expect(it.cluster.node(lost).bmc.executed.off).toBe(1);
      expect(it.cluster.node(kept).bmc.received.off).toBe(0);
      expect(it.overlaps()).toEqual([]);
    },
  );
});
