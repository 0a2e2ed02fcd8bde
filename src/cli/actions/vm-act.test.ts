import { expect, test } from 'vitest';
import type { VmView } from '../../api/schema/views.ts';
import { kennel, ok } from '../testing/fake-world.ts';
import { sampleVm } from '../testing/sample-views.ts';

const acted = (outcome: 'done' | 'failed' | 'unknown', verb: 'pause' | 'reset'): VmView =>
  sampleVm({
    name: 'db-1',
    acted: [{ request: 'r-1', verb, by: 'ann', at: 'now', outcome, detail: 'hung' }],
  });

function client(after: VmView) {
  const calls: unknown[][] = [];
  return {
    calls,
    client: {
      actOnVm: async (...given: unknown[]) => {
        calls.push(given);
        return ok(sampleVm({ name: 'db-1' }));
      },
      vm: async () => ok(after),
    },
  };
}

test('pause waits for the answer to this very call', async () => {
  const { calls, client: one } = client(acted('done', 'pause'));
  const run = await kennel('vm pause db-1 --request r-1 --wait --reason backup', { client: one });
  expect(run.code).toBe(0);
  expect(run.out).toContain('vm db-1: stands still');
  expect(calls).toEqual([
    ['db-1', { verb: 'pause', request: 'r-1', force: false }, { dryRun: false, reason: 'backup' }],
  ]);
});

test('a failure, and an answer that nobody knows, are told apart', async () => {
  const failed = await kennel('vm reset db-1 --request r-1 --wait -y', {
    client: client(acted('failed', 'reset')).client,
  });
  expect(failed.errors).toContain('reset of VM db-1 failed');
  const unknown = await kennel('vm reset db-1 --request r-1 --wait -y', {
    client: client(acted('unknown', 'reset')).client,
  });
  expect(unknown.errors).toContain('may have worked');
  expect([failed.code, unknown.code]).not.toContain(0);
});

test('a call without a name of its own is given one', async () => {
  const { calls, client: one } = client(acted('done', 'pause'));
  await kennel('vm resume db-1', { client: one });
  expect(calls[0]?.[1]).toMatchObject({ request: expect.stringMatching(/^[0-9a-f-]{36}$/) });
});

test('restart is done when the VM runs by a newer permit', async () => {
  const before = sampleVm({ name: 'db-1' });
  const token = (before.permit?.token ?? 0) + 1;
  const permit = before.permit === null ? null : { ...before.permit, token };
  const { calls, client: one } = client({ ...before, permit });
  const run = await kennel('vm restart db-1 --wait -y', { client: one });
  expect(run.errors).toBe('');
  expect(run.out).toContain('runs anew');
  expect(calls[0]?.[1]).toMatchObject({ verb: 'restart', force: false });
});
