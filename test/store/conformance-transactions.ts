import { expect, test } from 'vitest';
import { operationId } from '../../src/core/model/ids.ts';
import { type Subject, put, remove, modIs, createIs, write, commit } from './conformance-tools.ts';

export function transactions(subject: Subject): void {
  test('an absent key has create and mod revision 0', async () => {
    const { store } = subject();
    expect((await store.get('vm/a')).item).toBeNull();
    await commit(store, [put('vm/a', '1')], [createIs('vm/a', 0), modIs('vm/a', 0)]);
    expect(await write(store, [put('vm/a', '2')], [createIs('vm/a', 0)])).toMatchObject({
      kind: 'refused',
      because: 'compare',
    });
    expect(await write(store, [put('vm/a', '2')], [modIs('vm/a', 0)])).toMatchObject({
      kind: 'refused',
    });
    expect((await store.get('vm/a')).item?.value).toBe('1');
  });

  test('a key keeps its create revision over writes and gets a new one after a delete', async () => {
    const { store } = subject();
    const first = await commit(store, [put('k', '1')]);
    const second = await commit(store, [put('k', '2')], [modIs('k', first), createIs('k', first)]);
    expect((await store.get('k')).item).toMatchObject({
      value: '2',
      createRevision: first,
      modRevision: second,
    });
    await commit(store, [remove('k')], [modIs('k', second)]);
    expect((await store.get('k')).item).toBeNull();
    const third = await commit(store, [put('k', '3')], [createIs('k', 0)]);
    expect((await store.get('k')).item).toMatchObject({
      createRevision: third,
      modRevision: third,
    });
    expect([second > first, third > second + 1]).toEqual([true, true]);
  });

  test('a delete and a put of one key in one transaction make a new key', async () => {
    const { store } = subject();
    await commit(store, [put('k', '1')]);
    const second = await commit(store, [remove('k'), put('k', '2')]);
    expect((await store.get('k')).item).toMatchObject({ value: '2', createRevision: second });
  });

  test('a refused transaction changes nothing and shows every compared key as it is', async () => {
    const { store } = subject();
    const at = await commit(store, [put('a', '1')]);
    const outcome = await write(
      store,
      [put('a', '2'), put('b', '2')],
      [modIs('a', at), modIs('b', 7), createIs('c', 0)],
    );
    expect(outcome).toMatchObject({ kind: 'refused', because: 'compare' });
    if (outcome.kind !== 'refused') throw new Error('unreachable');
    expect(outcome.current.map((item) => item?.value ?? null)).toEqual(['1', null, null]);
    expect(await store.list('')).toMatchObject({ items: [{ key: 'a', value: '1' }], revision: at });
  });

  test('all writes of a transaction get one revision, the next one after the last', async () => {
    const { store } = subject();
    const before = await commit(store, [put('old', '')]);
    const at = await commit(store, [put('a', '1'), put('b', '2'), remove('old')]);
    expect(at).toBe(before + 1);
    const { items } = await store.list('');
    expect(items.map((item) => [item.key, item.modRevision])).toEqual([
      ['a', at],
      ['b', at],
    ]);
  });

  test('a transaction that changes nothing commits without a new revision', async () => {
    const { store } = subject();
    const at = await commit(store, [put('a', '1')]);
    expect(await commit(store, [])).toBe(at);
    expect(await commit(store, [remove('absent')], [modIs('a', at)])).toBe(at);
    expect((await store.get('a')).revision).toBe(at);
  });

  test('of many writers that compare the same revision exactly one commits', async () => {
    const { harness, store } = subject();
    const at = await commit(store, [put('k', 'start')]);
    const clients = await Promise.all(
      Array.from({ length: 8 }, (_, index) => harness.connect(`writer-${index}`)),
    );
    const outcomes = await Promise.all(
      clients.map((client, index) => write(client, [put('k', String(index))], [modIs('k', at)])),
    );
    const won = outcomes.findIndex((outcome) => outcome.kind === 'committed');
    expect(outcomes.filter((outcome) => outcome.kind === 'committed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.kind === 'refused')).toHaveLength(7);
    expect((await store.get('k')).item?.value).toBe(String(won));
  });

  test('writes of one caller take effect in the order of their calls', async () => {
    const { store } = subject();
    const pending = Array.from({ length: 20 }, (_, index) => commit(store, [put('k', `${index}`)]));
    const revisions = await Promise.all(pending);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    expect((await store.get('k')).item?.value).toBe('19');
  });

  test('a transaction that is too large is not sent', async () => {
    const { store } = subject();
    const outcome = await write(store, [put('k', 'x'.repeat(600 * 1024))]);
    expect(outcome).toMatchObject({ kind: 'refused', because: 'notSent' });
  });

  test('values keep every character', async () => {
    const { store } = subject();
    const value = JSON.stringify({ name: 'Zwinger "1"\n\u0000\u2028', sign: '\u{1F415}' });
    await commit(store, [put('k', value)]);
    expect((await store.get('k')).item?.value).toBe(value);
  });
}

export function reads(subject: Subject): void {
  test('a list holds the keys with the prefix, sorted, at one revision', async () => {
    const { store } = subject();
    for (const key of ['vm/b', 'node/x', 'vm/a', 'vm', 'vm/a/disk', 'vn/a']) {
      await commit(store, [put(key, key)]);
    }
    const { items, revision: at } = await store.list('vm/');
    expect(items.map((item) => item.key)).toEqual(['vm/a', 'vm/a/disk', 'vm/b']);
    expect(at).toBe((await store.get('vm')).revision);
    expect((await store.list('none/')).items).toEqual([]);
  });

  test('a read after a committed write sees it, on every client', async () => {
    const { harness, store } = subject();
    const other = await harness.connect('two');
    for (let round = 0; round < 10; round += 1) {
      const at = await commit(store, [put('k', String(round))]);
      const seen = await other.get('k');
      expect(seen.item?.value).toBe(String(round));
      expect(seen.revision).toBeGreaterThanOrEqual(at);
    }
  });

  test('what a list gave does not change with later writes', async () => {
    const { store } = subject();
    await commit(store, [put('a', '1'), put('b', '1')]);
    const { items } = await store.list('');
    await commit(store, [put('a', '2'), remove('b')]);
    expect(items.map((item) => [item.key, item.value])).toEqual([
      ['a', '1'],
      ['b', '1'],
    ]);
  });

  test('a key keeps the operations of its last 8 writes, newest last', async () => {
    const { store } = subject();
    const ids = Array.from({ length: 10 }, (_, index) => operationId(`write-${index}`));
    for (const operation of ids) {
      await store.txn({ operation, compare: [], then: [put('k', operation), put(operation, '')] });
    }
    expect((await store.get('k')).item?.operations).toEqual(ids.slice(2));
    expect((await store.get('write-3')).item?.operations).toEqual(['write-3']);
  });
}
