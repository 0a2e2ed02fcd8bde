import { expect, test } from 'vitest';
import type { VmView } from '../../api/schema/views.ts';
import { kennel, ok } from '../testing/fake-world.ts';
import { sampleVm } from '../testing/sample-views.ts';

const snapshots: VmView['snapshots'] = [
  { name: 's-1', by: 'ann', at: 'monday', node: 'node-1', note: 'before 17', state: 'ready' },
  { name: 's-2', by: 'bob', at: 'today', node: 'node-2', note: null, state: 'unsure' },
];

function client(verb: 'snapshot' | 'revert', outcome: 'done' | 'failed') {
  const calls: unknown[][] = [];
  const acted = { request: 'r-1', verb, snapshot: 's-1', by: 'ann', at: 'now', outcome };
  const after = sampleVm({ name: 'db-1', acted: [{ ...acted, detail: 'no room' }], snapshots });
  return {
    calls,
    client: {
      snapshotVm: async (...given: unknown[]) => {
        calls.push(given);
        return ok(after);
      },
      vm: async () => ok(after),
    },
  };
}

test('create asks for the snapshot by its name, and waits for the answer to this call', async () => {
  const { calls, client: one } = client('snapshot', 'done');
  const run = await kennel('vm snapshot create db-1 s-1 --note upgrade --request r-1 --wait', {
    client: one,
  });
  expect(run.errors).toBe('');
  expect(run.out).toContain('snapshot s-1 is made');
  const body = { wish: 'create', snapshot: 's-1', note: 'upgrade', request: 'r-1' };
  expect(calls).toEqual([['db-1', body, { dryRun: false, reason: null }]]);
});

test('a failure is told with the command that tries again', async () => {
  const run = await kennel('vm snapshot revert db-1 s-1 --request r-1 --wait -y', {
    client: client('revert', 'failed').client,
  });
  expect(run.code).not.toBe(0);
  expect(run.errors).toContain('no room');
  expect(run.errors).toContain('kennel vm snapshot revert db-1 s-1');
});

test('ls and show read what the record says', async () => {
  const options = { client: client('snapshot', 'done').client };
  const { out } = await kennel('vm snapshot ls db-1', options);
  expect(out).toMatch(/^s-1 +ready +monday +node-1 +ann +before 17$/m);
  expect((await kennel('vm snapshot show db-1 s-1', options)).out).toContain('kennel-s-1');
  const missing = await kennel('vm snapshot show db-1 s-9', options);
  expect(missing.errors).toContain('it has s-1, s-2');
  const none = { client: { vm: async () => ok(sampleVm({ name: 'db-1' })) } };
  expect((await kennel('vm snapshot ls db-1', none)).out).toContain('no snapshots of db-1');
});

test('what is no command says which there are', async () => {
  for (const line of [
    'vm snapshot create db-1',
    'vm snapshot undo db-1 s-1',
    'vm snapshot ls db-1 s',
  ]) {
    const run = await kennel(line, { client: client('snapshot', 'done').client });
    expect(run.errors).toContain('is no command');
  }
});
