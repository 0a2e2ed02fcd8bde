import { expect, test } from 'vitest';
import { kennel, ok } from '../testing/fake-world.ts';

test('why tells each step with its time and who asked for it, and what is so now', async () => {
  const whyVm = async () =>
    ok({
      vm: 'db-1',
      node: 'node-2',
      left: 4,
      steps: [
        { at: '2026-01-01T00:00:00.000Z', what: 'a move', by: 'ann', reason: 'noisy fan' },
        { at: '2026-01-01T00:01:00.000Z', what: 'db-1 runs on node-2', by: null, reason: null },
      ],
      now: ['node-2 holds its permit (token 3)'],
    });
  const { out, code } = await kennel('why vm db-1', { client: { whyVm } });
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    'db-1 is on node-2',
    '… 4 earlier steps: kennel events --vm db-1',
    '2026-01-01T00:00:00.000Z  a move (ann: noisy fan)',
    '2026-01-01T00:01:00.000Z  db-1 runs on node-2',
    'now: node-2 holds its permit (token 3)',
    '',
  ]);
});
