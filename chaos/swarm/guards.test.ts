import { describe, expect, it } from 'vitest';
import { verifyExport } from '../../src/verify/verify.ts';
import { identityOf } from '../sim/cluster-world.ts';
import { SimCluster } from '../sim/cluster.ts';
import { drawScenario } from './draw.ts';
import { runScenario } from './run-scenario.ts';

/** These compute; on a machine that does much else they take long, ms. */
const computesMs = 240_000;

async function clusterOf(nodes: number, vms: number, seed = 1): Promise<SimCluster> {
  const cluster = new SimCluster({ seed, managers: 1, nodes, declareCapacity: true });
  await cluster.start();
  for (let number = 1; number <= vms; number += 1) await cluster.createVm(`vm-${number}`);
  const all = (): boolean =>
    Array.from({ length: vms }, (_, index) => `vm-${index + 1}`).every(
      (vm) => cluster.whereIs(vm).length === 1,
    );
  expect(await cluster.world.time.runUntil(all, 60_000)).toBe(true);
  return cluster;
}

const eventsOf = (
  cluster: SimCluster,
): readonly { readonly code: string; readonly text: string }[] =>
  cluster.store.machine
    .list('event/')
    .map(({ value }) => JSON.parse(value) as { readonly code: string; readonly text: string });

const callerOf = (cluster: SimCluster) => ({
  identity: identityOf(cluster.world, 'admin', 'a-person'),
  dryRun: false,
  reason: 'seen on site',
});

describe('a rack of ten out of 32 nodes', () => {
  it(
    'N18: hangs at once: one incident, nobody is powered off; released, all of its VMs run elsewhere',
    async () => {
      const cluster = await clusterOf(32, 32);
      const rack = cluster.nodes.slice(0, 10);
      for (const { name } of rack) {
        await cluster.ask((leader) => {
          if (leader.manager === null) throw new Error('no manager');
          return leader.manager.service.labelNode(
            name,
            { labels: { rack: 'r1' } },
            callerOf(cluster),
          );
        });
      }
      const before = cluster.nodes.map((node) => node.runningVms());
      for (const { machine } of rack) machine.freeze('none');
      await cluster.world.time.runFor(120_000);
      const held = eventsOf(cluster).filter((event) => event.code === 'GOVERNOR_HOLDS');
      expect(held).toHaveLength(1);
      expect(held[0]?.text).toContain('all of rack=r1');
      expect(eventsOf(cluster).filter((event) => event.code === 'FENCE_BLOCKED')).toEqual([]);
      expect(cluster.nodes.map((node) => node.bmc.received.off)).toEqual(
        cluster.nodes.map(() => 0),
      );
      expect(cluster.nodes.slice(10).map((node) => node.runningVms())).toEqual(before.slice(10));
      await cluster.ask((leader) => {
        if (leader.manager === null) throw new Error('no manager');
        return leader.manager.service.releaseGovernor(callerOf(cluster));
      });
      const lost = before.slice(0, 10).flat();
      const recovered = (): boolean =>
        lost.every((vm) => {
          const homes = cluster.whereIs(vm);
          return homes.length === 1 && !rack.some(({ name }) => homes.includes(name));
        });
      expect(await cluster.world.time.runUntil(recovered, 60_000)).toBe(true);
      expect(cluster.world.writes.overlaps()).toEqual([]);
    },
    computesMs,
  );
});

describe('records of failovers', () => {
  it(
    'B6: are verified by what shares no code with the managers, and hold no credential',
    async () => {
      const cluster = await clusterOf(3, 3);
      const [home = ''] = cluster.whereIs('vm-1');
      const node = cluster.node(home);
      node.bmc.mode = { kind: 'fail' };
      node.machine.freeze('none');
      await cluster.world.time.runFor(15_000);
      node.bmc.mode = { kind: 'ok' };
      const moved = (): boolean => !cluster.whereIs('vm-1').includes(home);
      expect(await cluster.world.time.runUntil(moved, 60_000)).toBe(true);
      await cluster.world.time.runFor(5000);
      const exported = await cluster.ask((leader) => {
        if (leader.manager === null) throw new Error('no manager');
        return leader.manager.service.exportFailovers();
      });
      if (exported.kind === 'problem') throw new Error(exported.problem.because);
      const text = JSON.stringify(exported.value);
      const verdict = verifyExport(JSON.parse(text));
      expect(verdict.records.map((record) => [record.outcome, record.proof])).toEqual([
        ['completed', 'powerOff'],
      ]);
      expect([...verdict.problems, ...verdict.records.flatMap((one) => one.problems)]).toEqual([]);
      expect(exported.value.records[0]?.fence?.['attempts']).not.toEqual([]);
      expect(text).not.toContain(node.fencedBy.password);
      expect(text).not.toContain('ks1.');
    },
    computesMs,
  );
});

describe('links of 32 nodes that flap, lose and delay', () => {
  it(
    'W1 W2 W8 W9: nobody is fenced for it',
    async () => {
      const result = await runScenario(drawScenario(3, { profile: 'links', faultsMs: 180_000 }));
      expect(result.violations).toEqual([]);
      expect(result.failovers).toBe(0);
    },
    computesMs,
  );
});
