import { expect, test } from 'vitest';
import { token } from '../model/ids.ts';
import { restored } from '../request/restore.ts';
import { openDraft } from './draft.ts';
import { notePlaces } from './restored.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';

/** Puts every record of the world through a restore, as it was at that moment. */
function restore(world: TestWorld): void {
  const now = '2026-01-01T00:00:00.000Z';
  for (const vm of world.vms.values()) world.vms.set(vm.id, restored(vm, now) as VmRecord);
  for (const node of world.nodes.values()) {
    world.nodes.set(node.id, restored(node, now) as NodeRecord);
  }
}

function twoNodes(): TestWorld {
  const world = new TestWorld();
  world.addNode('n1');
  world.addNode('n2', { phase: 'joining', incarnation: null });
  return world;
}

const later = (world: TestWorld, ...heard: readonly string[]): void => {
  world.nowMs += 3000;
  world.beat(...heard);
  world.settle();
};

test('M7: a VM waits for a node that had not been admitted yet when the backup was made', () => {
  const world = twoNodes();
  const id = world.addVm('db', { lastToken: token(3) });
  restore(world);
  world.seen.clear();
  world.connect('n1', incarnationOf('n1'));
  for (let count = 0; count < 40; count += 1) later(world, 'n1');
  expect(world.vm(id).permit).toBeNull();
  expect(world.vm(id).reason).toContain('n2 may run it and has not said yet');
  world.connect('n2', incarnationOf('n2'));
  const permit = { vm: id, node: 'n2', incarnation: incarnationOf('n2').id, token: token(7) };
  world.report('n2', [world.domain(id, { permit: permit as never })]);
  for (let count = 0; count < 5; count += 1) later(world, 'n1', 'n2');
  expect(world.vm(id).permit?.node).toBe('n2');
  expect(world.vm(id).operation).toMatchObject({ kind: 'permit', previousToken: 7 });
  expect(world.vm(id).permit?.token).toBeGreaterThan(7);
});

test('M7: a VM that was off in the backup and runs now goes on, and is wanted running', () => {
  const world = new TestWorld();
  world.addNode('n1');
  const id = world.addVm('db', { desired: 'stopped' });
  restore(world);
  world.nowMs += 3000;
  world.beat('n1');
  world.report('n1', [world.domain(id, { permit: null })]);
  const plans = world.settle();
  expect(plans.flatMap((plan) => plan.commands).map(({ command }) => command.kind)).not.toContain(
    'release',
  );
  expect(world.vm(id)).toMatchObject({ desired: 'running', permit: { node: 'n1' } });
});

test('M7: a VM that was off in the backup and is off now stays off', () => {
  const world = new TestWorld();
  world.addNode('n1');
  const id = world.addVm('db', { desired: 'stopped' });
  restore(world);
  for (let count = 0; count < 3; count += 1) later(world, 'n1');
  expect(world.vm(id)).toMatchObject({ desired: 'stopped', permit: null, adopting: false });
});

test('M7: a start, a stop and a fencing that were under way then are not carried on', () => {
  const world = new TestWorld();
  const node = world.addNode('n1', { phase: 'fencing' });
  const id = world.addVm('db', { phase: 'stopping', deleting: true });
  restore(world);
  expect(world.node(node)).toMatchObject({ phase: 'online', fence: null });
  expect(world.vm(id)).toMatchObject({ operation: null, deleting: false, desired: 'stopped' });
});

test('M7: a node is not taken as heard before what it runs is on record', () => {
  const world = new TestWorld();
  const node = world.addNode('n1');
  const id = world.addVm('db');
  restore(world);
  world.beat('n1');
  world.report('n1', [world.domain(id, { permit: null })]);
  const asked = (): boolean => {
    const draft = openDraft(world, world.observe());
    return notePlaces(draft, world.node(node), world.seen.get(node));
  };
  expect(asked()).toBe(false);
  const bootId = incarnationOf('n1').bootId;
  const stray = { node, bootId, sinceMs: 0 } as never;
  world.vms.set(id, { ...world.vm(id), strays: [stray] });
  expect(asked()).toBe(true);
});
