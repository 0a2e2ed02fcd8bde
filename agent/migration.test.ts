import { expect, test } from 'vitest';
import { defaultMigrationLimits } from '../src/core/model/move.ts';
import { AgentWorld, testNode, testVm } from './testing/agent-world.ts';

const migrateCommand = (world: AgentWorld) => {
  const { incarnation } = world.manager;
  const permit = { vm: testVm, node: testNode, incarnation, token: 1 };
  return {
    kind: 'migrate' as const,
    operation: world.operation(),
    permit,
    target: { ...permit, node: 'node-2', incarnation: 'other', token: 2 },
    address: 'node-2',
    limits: defaultMigrationLimits,
  };
};

async function running(): Promise<AgentWorld> {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  return world;
}

test('a migration that libvirt never answers is over, and the VM can be released', async () => {
  const world = await running();
  world.host.inject('migrate', { kind: 'lost' });
  expect(await world.run(migrateCommand(world))).toBe('failed migrationUnanswered');
  expect(world.host.writers()).toEqual([testVm]);
  expect(await world.run(world.releaseCommand(2))).toBe('done');
  expect(world.host.writers()).toEqual([]);
});

test('a migration that takes long is waited for as long as something is copied', async () => {
  const world = await running();
  world.host.inject('migrate', { kind: 'lost' });
  const progress = { totalBytes: 2, remainingBytes: 1, elapsedMs: 1 };
  world.host.outgoing.progressOf = () => progress;
  const migrate = migrateCommand(world);
  world.manager.command([migrate]);
  await world.time.runFor(600_000);
  expect(world.lastOutcome(migrate.operation)).toBe('none');
});
