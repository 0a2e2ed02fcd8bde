import { expect, it } from 'vitest';
import { nodeId, operationId, token } from '../model/ids.ts';
import { defaultMigrationLimits } from '../model/move.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';

it('a VM handed over to a node that has died meanwhile gets a token that nobody had', () => {
  const world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
  const db = world.addRunningVm('db', 'n1');
  world.step();
  const record = world.vm(db);
  const copy = { vm: db, node: nodeId('n2'), incarnation: incarnationOf('n2').id, token: token(2) };
  // The agent of n1 started anew during the copy, so that n1 has token 3; n2 is gone for good.
  world.vms.set(db, {
    ...record,
    permit: { vm: db, node: nodeId('n1'), incarnation: incarnationOf('n1').id, token: token(3) },
    lastToken: token(3),
    phase: 'migrating',
    move: {
      from: nodeId('n1'),
      to: nodeId('n2'),
      way: 'live',
      limits: defaultMigrationLimits,
      failures: 0,
      migration: {
        phase: 'cancelling',
        target: copy,
        because: 'n2 is proven dead',
        withdrawn: false,
        sourceStands: false,
      },
    },
  });
  const n2 = world.node(nodeId('n2'));
  world.nodes.set(n2.id, { ...n2, incarnation: null });
  world.report('n1', []);
  world.step();
  world.outcome(operationId(`abort/${db}/2`), { kind: 'failed', code: 'migrated', detail: '' });
  world.step();
  expect(world.vm(db).permit).toEqual({ ...copy, token: 4 });
});
