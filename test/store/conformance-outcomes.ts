import { expect, test, vi } from 'vitest';
import { StoreUnavailable } from '../../src/store/store.ts';
import {
  type Subject,
  nextOperation,
  put,
  remove,
  modIs,
  write,
  commit,
  collect,
  campaign,
} from './conformance-tools.ts';

export function ambiguity(subject: Subject): void {
  for (const effect of ['evaluated', 'lost'] as const) {
    test(`E3: a write without answer is ambiguous; reading tells that it was ${effect}`, async () => {
      const { harness, store } = subject();
      const at = await commit(store, [put('k', 'before')]);
      const { after } = await harness.ambiguousNextWrite('one', effect);
      const operation = nextOperation();
      const outcome = await store.txn({
        operation,
        compare: [modIs('k', at)],
        then: [put('k', 'after')],
      });
      expect(outcome).toMatchObject({ kind: 'ambiguous', operation });
      const { item } = await (await after()).get('k');
      expect(item?.operations.includes(operation)).toBe(effect === 'evaluated');
      expect(item?.value).toBe(effect === 'evaluated' ? 'after' : 'before');
    });
  }

  test('an ambiguous write is found although others wrote the key since', async () => {
    const { harness, store } = subject();
    await commit(store, [put('k', '0')]);
    const { after } = await harness.ambiguousNextWrite('one', 'evaluated');
    const operation = nextOperation();
    await store.txn({ operation, compare: [], then: [put('k', 'mine')] });
    const again = await after();
    for (let index = 0; index < 7; index += 1) await commit(again, [put('k', `${index}`)]);
    expect((await again.get('k')).item?.operations[0]).toBe(operation);
  });
}

export function ending(subject: Subject): void {
  test('a closed store reads nothing, sends nothing, ends its watches and its leadership', async () => {
    const { store } = subject();
    await commit(store, [put('k', '1')]);
    const leader = await campaign(store, 'a');
    const { events } = collect(store, '', leader.createRevision);
    await store.close();
    await expect(store.get('k')).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.list('')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await write(store, [put('k', '2')])).toMatchObject({
      kind: 'refused',
      because: 'notSent',
    });
    await vi.waitFor(() => expect(events.at(-1)?.kind).toBe('closed'));
    expect([leader.isValid(), leader.lost.aborted]).toEqual([false, true]);
    await expect(campaign(store, 'b')).rejects.toBeInstanceOf(StoreUnavailable);
    await store.close();
  });

  test('what was committed is there after a restart, with its revisions and operations', async ({
    skip,
  }) => {
    const { harness, store } = subject();
    if (harness.restart === null) skip('this driver keeps nothing');
    await commit(store, [put('a', '1'), put('b', '1')]);
    await commit(store, [put('a', '2'), remove('b')]);
    const before = await store.list('');
    await harness.restart?.();
    const again = await harness.connect('one');
    expect(await again.list('')).toEqual(before);
    expect(await commit(again, [put('a', '3')])).toBe(before.revision + 1);
  });

  test('status tells driver, revision and health', async () => {
    const { store } = subject();
    const at = await commit(store, [put('k', '1')]);
    expect(store.status()).toMatchObject({ revision: at, hasQuorum: true, readOnly: null });
    expect(store.status().members.every((member) => member.healthy)).toBe(true);
  });
}
