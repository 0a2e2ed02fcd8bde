import { expect, test } from 'vitest';
import { decodeObject } from '../../src/manager/object-codec.ts';
import { operationId } from '../../src/core/model/ids.ts';
import { SimCluster } from '../sim/cluster.ts';
import { Monitor } from './monitor.ts';
import { namesFor } from './names.ts';
import { putsOf } from './seed.ts';
import { Sites } from './sites.ts';
import { sampleScenario } from './testing/sample.ts';

interface World {
  readonly cluster: SimCluster;
  readonly monitor: Monitor;
  readonly home: string;
  readonly other: string;
  readonly vm: ReturnType<SimCluster['nodes'][number]['hypervisor']['writers']>[number];
}

/** A cluster with one running VM, watched from its start. */
async function watched(): Promise<World> {
  const monitor = new Monitor();
  const cluster = new SimCluster({ seed: 3, managers: 3, nodes: 3, taps: monitor.taps });
  const sites = new Sites(cluster, 'apart');
  const names = namesFor(sampleScenario(), () => 'unused');
  monitor.watch({ cluster, sites, names, zeroMs: 0 });
  await cluster.start();
  await cluster.createVm('vm-1');
  const runs = (): boolean => {
    monitor.look();
    return cluster.whereIs('vm-1').length === 1;
  };
  expect(await cluster.world.time.runUntil(runs, 30_000)).toBe(true);
  const [home = ''] = cluster.whereIs('vm-1');
  const [vm] = cluster.node(home).hypervisor.writers();
  const other = cluster.nodes.find((node) => node.name !== home)?.name ?? '';
  if (vm === undefined) throw new Error('nothing runs');
  return { cluster, monitor, home, other, vm };
}

const invariantsOf = (monitor: Monitor): readonly string[] =>
  monitor.summary().violations.map((one) => one.invariant);

test('a VM that starts by a committed permit breaks nothing', async () => {
  const { monitor } = await watched();
  expect(monitor.summary()).toMatchObject({ violations: [], starts: [{}], moves: [] });
});

test('a second process of a VM is seen as one', async () => {
  const { cluster, monitor, other, vm } = await watched();
  cluster.node(other).hypervisor.startByHand(vm, 'vm-1');
  monitor.look();
  expect([...invariantsOf(monitor)].sort()).toEqual([
    'no_start_without_quorum',
    'single_running_instance',
  ]);
});

test('a VM that begins again before its dead node is proven dead is seen', async () => {
  const { cluster, monitor, home, other, vm } = await watched();
  cluster.node(home).machine.powerOff();
  cluster.node(other).hypervisor.startByHand(vm, 'vm-1');
  monitor.look();
  expect(invariantsOf(monitor)).toContain('no_recovery_before_fence_confirmed');
  expect(monitor.summary().moves).toHaveLength(1);
});

test('a proof that is committed while the node lives is seen', async () => {
  const { cluster, monitor, home } = await watched();
  cluster.node(home).process?.pause('stopped');
  const { machine } = cluster.store;
  const hasIntent = (): boolean => machine.list('fence/').length > 0;
  expect(await cluster.world.time.runUntil(hasIntent, 30_000)).toBe(true);
  const [item] = machine.list('fence/');
  const fence = item === undefined ? null : decodeObject(item.value);
  if (fence?.kind !== 'fence') throw new Error('no fence');
  const proof = { kind: 'attested', actor: 'a liar', reason: 'none' } as const;
  cluster.store.evaluate({
    operation: operationId('lie'),
    compare: [],
    then: [...putsOf([{ ...fence, phase: 'proven', proof }])],
  });
  monitor.look();
  expect(invariantsOf(monitor)).toEqual(['fenced_node_dead_before_confirm']);
});

test('a BMC that takes power away is seen only when there was some', async () => {
  const { cluster, monitor, home } = await watched();
  monitor.taps.powerCut?.(home);
  cluster.node(home).machine.powerOff();
  monitor.taps.powerCut?.(home);
  expect(monitor.summary().powerCut).toHaveLength(1);
});
