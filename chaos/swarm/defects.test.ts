import { expect, test } from 'vitest';
import { vmSpecSchema } from '../../src/api/schema/vm-spec.ts';
import type { Caller } from '../../src/api/cluster-service.ts';
import { nodeId, vmId } from '../../src/core/model/ids.ts';
import type { Outcome } from '../../src/core/problem.ts';
import type { ClusterManager } from '../sim/cluster-manager.ts';
import { SimCluster } from '../sim/cluster.ts';
import { identityOf } from '../sim/cluster-world.ts';
import { Stage } from './stage.ts';

/*
 * Defects that campaigns found, each played by hand. One that is not mended states the right outcome
 * and is expected to fail (`test.fails`), so that it turns red when it is mended.
 */

const options = { seed: 1, declareCapacity: true, bootMs: 5000 } as const;

async function withVms(cluster: SimCluster, names: readonly string[]): Promise<void> {
  await cluster.start();
  for (const name of names) await cluster.createVm(name);
  const run = (): boolean => names.every((name) => cluster.whereIs(name).length === 1);
  if (!(await cluster.world.time.runUntil(run, 30_000))) throw new Error('the VMs do not run');
}

type Service = NonNullable<ClusterManager['manager']>['service'];

async function tell(
  cluster: SimCluster,
  call: (service: Service, caller: Caller) => Promise<Outcome<unknown>>,
): Promise<void> {
  const caller = {
    identity: identityOf(cluster.world, 'admin', 'sim'),
    dryRun: false,
    reason: null,
  };
  const outcome = await cluster.ask(async ({ manager }) => {
    if (manager === null) throw new Error('no leader');
    return call(manager.service, caller);
  });
  expect(outcome.kind).toBe('ok');
}

function recordOf(
  cluster: SimCluster,
  vm: string,
): { readonly phase: string; readonly spec: unknown } {
  return JSON.parse(cluster.store.machine.get(`vm/${vm}`)?.value ?? '{}') as {
    readonly phase: string;
    readonly spec: unknown;
  };
}

const hasVms = (cluster: SimCluster): boolean => cluster.store.machine.list('vm/').length > 0;

const offs = (cluster: SimCluster): number =>
  cluster.nodes.reduce((sum, node) => sum + node.bmc.executed.off, 0);

/** Heartbeats of the nodes do not come at the same instants, as on any real site. */
async function outOfStep(cluster: SimCluster): Promise<void> {
  const { time } = cluster.world;
  for (const node of cluster.nodes) {
    await time.runFor(3113);
    node.machine.restartAgent();
  }
  await time.runFor(5000);
}

test('W6: a manager that was cut off from all nodes powered none of them off', async () => {
  const cluster = new SimCluster({ ...options, managers: 1, nodes: 5 });
  await withVms(cluster, ['vm-1', 'vm-2', 'vm-3', 'vm-4', 'vm-5']);
  await outOfStep(cluster);
  const { time, network } = cluster.world;
  network.partition([['m-1'], cluster.nodes.map((node) => node.name)]);
  await time.runFor(20_000);
  network.healAll();
  await time.runFor(40_000);
  expect(offs(cluster)).toBe(0);
});

test('W6: a new leader that hears nobody does not power nodes off one after the other', async () => {
  const cluster = new SimCluster({ ...options, managers: 2, nodes: 2, storeLeaseMs: 3000 });
  await withVms(cluster, ['vm-1', 'vm-2']);
  await outOfStep(cluster);
  const { time, network } = cluster.world;
  const [leader] = cluster.leaders();
  const follower = cluster.managers.find((each) => each !== leader);
  if (leader === undefined || follower === undefined) throw new Error('no leader, no follower');
  network.partition([[follower.name], cluster.nodes.map((node) => node.name)]);
  cluster.store.expire(leader.name, { tell: true });
  await time.runFor(30_000);
  expect(offs(cluster)).toBe(0);
});

test('a VM that is made again under its old UUID starts at once', async () => {
  const cluster = new SimCluster({ ...options, managers: 1, nodes: 1 });
  await withVms(cluster, ['vm-1']);
  const { time } = cluster.world;
  const [found] = new Stage(cluster).domains('vm-1');
  if (found === undefined) throw new Error('no domain');
  const spec = vmSpecSchema.parse(recordOf(cluster, found.domain.vm).spec);
  await tell(cluster, (service, caller) => service.deleteVm('vm-1', caller));
  expect(await time.runUntil(() => !hasVms(cluster), 70_000)).toBe(true);
  const body = { id: found.domain.vm, spec, desired: 'running', node: null } as const;
  await tell(cluster, (service, caller) => service.createVm(body, caller));
  expect(await time.runUntil(() => cluster.whereIs('vm-1').length === 1, 1500)).toBe(true);
});

test('a VM that is being deleted while it recovers goes away with its dead owner', async () => {
  const cluster = new SimCluster({ ...options, managers: 1, nodes: 2 });
  await withVms(cluster, ['vm-1']);
  const { time } = cluster.world;
  const [home = ''] = cluster.whereIs('vm-1');
  const other = cluster.nodes.find((node) => node.name !== home);
  if (other === undefined) throw new Error('no other node');
  other.hypervisor.inject('start', { kind: 'lost' });
  cluster.node(home).machine.powerOff();
  const [found] = new Stage(cluster).domains('vm-1');
  const recovers = (): boolean =>
    recordOf(cluster, found?.domain.vm ?? '').phase === 'recovering' &&
    other.agent?.status().pending === 1;
  expect(await time.runUntil(recovers, 30_000)).toBe(true);
  other.bmc.mode = { kind: 'unreachable' };
  other.machine.powerOff();
  await time.runFor(10_000);
  await tell(cluster, (service, caller) => service.deleteVm('vm-1', caller));
  other.bmc.mode = { kind: 'ok' };
  expect(await time.runUntil(() => !hasVms(cluster), 60_000)).toBe(true);
});

test('a definition that a dead node kept does not take the name of a new VM', async () => {
  const cluster = new SimCluster({ ...options, managers: 1, nodes: 2 });
  await withVms(cluster, ['vm-1']);
  const { time } = cluster.world;
  const [home = ''] = cluster.whereIs('vm-1');
  cluster.node(home).machine.powerOff();
  const moved = (): boolean => cluster.whereIs('vm-1').some((name) => name !== home);
  expect(await time.runUntil(moved, 30_000)).toBe(true);
  await tell(cluster, (service, caller) => service.deleteVm('vm-1', caller));
  expect(await time.runUntil(() => !hasVms(cluster), 70_000)).toBe(true);
  cluster.node(home).machine.powerOn();
  await time.runFor(10_000);
  await cluster.createVm('vm-1', { nodes: [nodeId(home)] });
  expect(await time.runUntil(() => cluster.whereIs('vm-1').length === 1, 60_000)).toBe(true);
});

test('B7: VMs of a node whose proof is disproven stay where they are', async () => {
  const cluster = new SimCluster({ ...options, managers: 1, nodes: 2 });
  await cluster.start();
  await cluster.createVm('vm-1', { nodes: [nodeId('node-1')] });
  const { time, network } = cluster.world;
  const runs = (): boolean => cluster.whereIs('vm-1').length === 1;
  expect(await time.runUntil(runs, 30_000)).toBe(true);
  cluster.node('node-1').bmc.mode = { kind: 'lieOff' };
  network.cutBoth('m-1', 'node-1');
  await time.runFor(12_000);
  network.healAll();
  expect(await time.runUntil(() => !runs(), 30_000)).toBe(false);
});

test('a node that was proven dead and lives is let in again, or at least BMC_LIED is raised', async () => {
  const cluster = new SimCluster({ ...options, managers: 1, nodes: 2 });
  await withVms(cluster, ['vm-1']);
  const { time, network, writes } = cluster.world;
  const [home = ''] = cluster.whereIs('vm-1');
  // The guest is off, so that nothing is written twice while the device lies.
  cluster.node(home).hypervisor.crash(new Stage(cluster).domains('vm-1')[0]?.domain.vm ?? vmId(''));
  cluster.node(home).bmc.mode = { kind: 'lieOff' };
  // Peers that have answers of it would keep the lie from being believed.
  network.isolate(home);
  await time.runFor(20_000);
  network.healAll();
  await time.runFor(60_000);
  expect(writes.overlaps()).toEqual([]);
  const events = cluster.store.machine.list('event/').map(({ value }) => value);
  expect(events.some((event) => event.includes('BMC_LIED'))).toBe(true);
});
