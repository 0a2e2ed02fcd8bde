import { expect, test } from 'vitest';
import { kennel, ok } from '../testing/fake-world.ts';
import { sampleVm } from '../testing/sample-views.ts';

const file = `name: db-1
memory: 2GiB
cpus: 2
`;

function cluster(nextStart: readonly string[] = ['memoryMiB']) {
  const vm = sampleVm({ name: 'db-1' });
  const calls: { readonly isDry: unknown; readonly body: unknown }[] = [];
  const client = {
    vm: async () => ok(vm),
    editVm: async (_: string, body: unknown, how?: { readonly dryRun?: boolean }) => {
      calls.push({ isDry: how?.dryRun, body });
      return ok({ vm, now: [], nextStart: [...nextStart] });
    },
  };
  return { vm, calls, client, files: { '/work/db-1.yaml': file } };
}

test('an edit says what holds when before it is asked for, and is made from what was seen', async () => {
  const { vm, calls, client, files } = cluster();
  const run = await kennel('vm edit db-1 -f db-1.yaml', { client, files, answers: ['y'] });
  expect(run.errors).toBe('');
  expect(run.out).toContain('after the next stop or kennel vm restart db-1: memoryMiB');
  expect(calls.map(({ isDry }) => isDry)).toEqual([true, false]);
  expect(calls[1]?.body).toMatchObject({ spec: { memoryMiB: 2048 }, before: vm.spec });
});

test('declined, by --dry-run, or without a difference nothing is changed', async () => {
  const { client, files, calls } = cluster();
  const no = await kennel('vm edit db-1 -f db-1.yaml', { client, files, answers: ['n'] });
  expect(no.code).toBe(1);
  await kennel('vm edit db-1 -f db-1.yaml --dry-run', { client, files });
  expect(calls.map(({ isDry }) => isDry)).toEqual([true, true]);
  const same = cluster([]);
  const run = await kennel('vm edit db-1 -f db-1.yaml', same);
  expect(run.out).toContain('nothing differs');
  expect(same.calls).toHaveLength(1);
});

test('a file of two VMs is refused', async () => {
  const { client, calls } = cluster();
  const files = { '/work/two.yaml': `${file}---\nname: db-2\nmemory: 1GiB\ncpus: 1\n` };
  const run = await kennel('vm edit db-1 -f two.yaml -y', { client, files });
  expect(run.errors).toContain('describes 2 VMs');
  expect(calls).toEqual([]);
});
