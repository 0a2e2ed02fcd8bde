import { expect, test } from 'vitest';
import { vmId } from '../src/core/model/ids.ts';
import type { ActionVerb } from '../src/core/model/vm-action.ts';
import { AgentWorld, testNode, testVm } from './testing/agent-world.ts';

const actCommand = (world: AgentWorld, verb: ActionVerb, token = 1) => ({
  kind: 'act' as const,
  operation: world.operation(),
  permit: { vm: testVm, node: testNode, incarnation: world.manager.incarnation, token },
  verb,
});

async function running(): Promise<AgentWorld> {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  return world;
}

const domain = (world: AgentWorld) => world.host.find(vmId(testVm));

test('a pause is seen in the report, and a resume ends it', async () => {
  const world = await running();
  expect(await world.run(actCommand(world, 'pause'))).toBe('done');
  const state = () => world.manager.report.domains?.[0]?.state;
  await world.until(() => state() === 'paused');
  expect(world.host.writers()).toEqual([testVm]);
  expect(await world.run(actCommand(world, 'resume'))).toBe('done');
  await world.until(() => state() === 'running');
});

test('what runs by another token is left alone', async () => {
  const world = await running();
  expect(await world.run(actCommand(world, 'pause', 2))).toBe('refused conflict');
  expect(domain(world)?.state).toBe('running');
  expect(await world.run(actCommand(world, 'pause', 1))).toBe('refused token');
});

test('without a lease nothing is done', async () => {
  const world = await running();
  world.manager.lease = false;
  await world.time.runFor(7000);
  expect(await world.run(actCommand(world, 'reset'))).toBe('refused lease');
});

test('a reset whose answer is lost is not done a second time by the same command', async () => {
  const world = await running();
  let acted = 0;
  const real = world.host.act.bind(world.host);
  world.host.act = (...given) => {
    acted += 1;
    return real(...given);
  };
  world.host.inject('act', { kind: 'ackLost', effectAfterMs: 10 });
  const reset = actCommand(world, 'reset');
  expect(await world.run(reset)).toBe('ambiguous');
  expect(await world.run(reset)).toBe('ambiguous');
  expect(acted).toBe(1);
});

test('a pause whose answer is lost is seen to have worked', async () => {
  const world = await running();
  world.host.inject('act', { kind: 'ackLost', effectAfterMs: 10 });
  expect(await world.run(actCommand(world, 'pause'))).toBe('done');
  expect(domain(world)?.state).toBe('paused');
});
