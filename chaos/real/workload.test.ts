import { expect, test } from 'vitest';
import type { LabDisk } from '../../deploy/lab/storage.ts';
import type { RecordedClient } from './recorded-client.ts';
import { Workload } from './workload.ts';

type Answer = Awaited<ReturnType<RecordedClient['call']>>;

const disk: LabDisk = {
  name: 'vm-1',
  file: '/lab/vm-1.raw',
  source: { kind: 'nbd', host: '127.0.0.1', port: 10_809, export: 'vm-1' },
};

/** A workload of one disk whose calls are answered by what is given, `ok` after that. */
function workload(...answers: Answer['result'][]) {
  const calls: { readonly verb: string; readonly vm: string }[] = [];
  const client: Pick<RecordedClient, 'call'> = {
    call: async (verb, vm) => {
      calls.push({ verb, vm });
      return { result: answers.shift() ?? 'ok', detail: '' };
    },
  };
  const it = new Workload({ disks: () => [disk] }, client);
  const ask = async (verb: 'create' | 'start' | 'stop' | 'delete'): Promise<void> => {
    it.ask({ verb, vm: 1 });
    await it.settled();
  };
  const verbs = (): readonly string[] => calls.map((one) => one.verb);
  return { it, ask, verbs, calls };
}

test('a VM that was deleted is made anew by whatever is asked of it next', async () => {
  const { ask, verbs, calls } = workload();
  for (const verb of ['create', 'delete', 'stop', 'stop'] as const) await ask(verb);
  expect(verbs()).toEqual(['create', 'delete', 'create', 'stop']);
  expect(calls[3]?.vm).toBe(calls[2]?.vm);
  expect(calls[2]?.vm).not.toBe(calls[0]?.vm);
});

test('it is made again as long as that is refused', async () => {
  const { it, ask, verbs } = workload('ok', 'ok', 'no', 'no', 'ok');
  for (const verb of ['create', 'delete', 'start'] as const) await ask(verb);
  expect(await it.complete()).toEqual(['vm-1']);
  expect(await it.complete()).toEqual([]);
  expect(verbs()).toEqual(['create', 'delete', 'create', 'create', 'create']);
});

test('a refusal after a call without an answer means that there is a VM', async () => {
  const { it, ask, verbs } = workload('ok', 'ok', 'unknown', 'no');
  for (const verb of ['create', 'delete', 'start'] as const) await ask(verb);
  expect(await it.complete()).toEqual([]);
  await ask('stop');
  expect(verbs()).toEqual(['create', 'delete', 'create', 'create', 'stop']);
});

test('a VM whose deletion was refused is still there', async () => {
  const { ask, verbs } = workload('ok', 'no');
  for (const verb of ['create', 'delete', 'stop'] as const) await ask(verb);
  expect(verbs()).toEqual(['create', 'delete', 'stop']);
});
