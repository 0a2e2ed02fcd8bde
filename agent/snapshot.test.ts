import { expect, test } from 'vitest';
import { vmId } from '../src/core/model/ids.ts';
import type { SnapshotVerb } from '../src/core/model/vm-snapshot.ts';
import { AgentWorld, testNode, testVm } from './testing/agent-world.ts';

const order = (world: AgentWorld, verb: SnapshotVerb, token = 1) => ({
  kind: 'act' as const,
  operation: world.operation(),
  permit: { vm: testVm, node: testNode, incarnation: world.manager.incarnation, token },
  verb,
  snapshot: 's-1',
});

async function running(): Promise<AgentWorld> {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  return world;
}

const domain = (world: AgentWorld) => world.host.find(vmId(testVm));

test('a revert is answered after the report that shows the new process, by the same permit', async () => {
  const world = await running();
  expect(await world.run(order(world, 'snapshot'))).toBe('done');
  expect(await world.run(order(world, 'revert'))).toBe('done');
  expect(domain(world)).toMatchObject({ boots: 2, live: { permit: { token: 1 } } });
  expect(world.manager.report.domains).toMatchObject([
    { active: true, reason: 'fromSnapshot', permit: { token: 1 } },
  ]);
});

test('without a lease, or by an older token, no process is ended for a snapshot', async () => {
  const world = await running();
  expect(await world.run(order(world, 'revert', 2))).toBe('refused conflict');
  expect(await world.run(order(world, 'revert'))).toBe('refused token');
  world.manager.lease = false;
  await world.time.runFor(7000);
  expect(await world.run(order(world, 'revert', 2))).toBe('refused lease');
  expect(domain(world)?.boots).toBe(1);
});

test('a revert whose answer is lost is not done a second time by the same command', async () => {
  const world = await running();
  world.host.inject('act', { kind: 'ackLost', effectAfterMs: 10 });
  const revert = order(world, 'revert');
  expect(await world.run(revert)).toBe('ambiguous');
  expect(await world.run(revert)).toBe('ambiguous');
  expect(domain(world)?.boots).toBe(2);
});

test('a release waits for the revert under way, and leaves nothing running', async () => {
  const world = await running();
  const revert = order(world, 'revert');
  world.manager.command([revert]);
  await world.until(() => domain(world)?.live === undefined);
  expect(await world.run(world.releaseCommand(1))).toBe('done');
  expect(world.host.writers()).toEqual([]);
  await world.time.runFor(20_000);
  expect(world.host.writers()).toEqual([]);
});

test('a command that names no snapshot does nothing', async () => {
  const world = await running();
  const { snapshot: _, ...nameless } = order(world, 'revert');
  expect(await world.run(nameless)).toBe('failed noSnapshot');
  expect(domain(world)?.boots).toBe(1);
});
