import { expect, test, vi } from 'vitest';
import {
  type Subject,
  put,
  remove,
  commit,
  collect,
  revisionsOf,
  changesOf,
} from './conformance-tools.ts';

export function watches(subject: Subject): void {
  test('every revision after `from` comes once, in order, all its changes together', async () => {
    const { harness, store } = subject();
    const writer = await harness.connect('two');
    const from = await commit(store, [put('vm/before', '')]);
    const { events, stop } = collect(store, 'vm/', from);
    await commit(writer, [put('vm/a', '1'), put('vm/b', '1'), put('other', '1')]);
    await commit(writer, [put('other', '2')]);
    await commit(writer, [put('vm/a', '2'), remove('vm/b')]);
    await vi.waitFor(() => expect(events).toHaveLength(2));
    stop();
    expect(revisionsOf(events)).toEqual([from + 1, from + 3]);
    expect(changesOf(events[0])).toEqual({ 'vm/a': '1', 'vm/b': '1' });
    expect(changesOf(events[1])).toEqual({ 'vm/a': '2', 'vm/b': null });
  });

  test('a watch from an older revision gets what was written since, then what follows', async () => {
    const { store } = subject();
    const from = await commit(store, [put('k', 'start')]);
    for (let index = 0; index < 5; index += 1) await commit(store, [put('k', `${index}`)]);
    const { events, stop } = collect(store, '', from);
    const writes = Array.from({ length: 5 }, (_, index) => commit(store, [put('k', `${index}`)]));
    await Promise.all(writes);
    await vi.waitFor(() => expect(events.length).toBeGreaterThanOrEqual(10));
    stop();
    expect(revisionsOf(events)).toEqual(Array.from({ length: 10 }, (_, index) => from + 1 + index));
  });

  test('a watch does not deliver the revision it starts from', async () => {
    const { store } = subject();
    const from = await commit(store, [put('k', '1')]);
    const { events, stop } = collect(store, '', from);
    await commit(store, [put('k', '2')]);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    stop();
    expect(revisionsOf(events)).toEqual([from + 1]);
  });

  test('nothing comes after stop, also when stopped by the listener itself', async () => {
    const { store } = subject();
    const from = await commit(store, [put('k', '0')]);
    const seen: number[] = [];
    const stop = store.watch('', from, (event) => {
      if (event.kind === 'batch') seen.push(event.batch.revision);
      stop();
    });
    const witness = collect(store, '', from);
    await Promise.all([commit(store, [put('k', '1')]), commit(store, [put('k', '2')])]);
    await vi.waitFor(() => expect(witness.events).toHaveLength(2));
    witness.stop();
    expect(seen).toEqual([from + 1]);
  });

  test('M13: a watch from before the history is told `compacted` once, and ends', async () => {
    const { harness, store } = subject();
    const from = await commit(store, [put('k', 'start')]);
    for (let index = 0; index < harness.historyLimit * 2; index += 1) {
      await commit(store, [put('k', `${index}`)]);
    }
    await harness.forgetHistory?.();
    const { events } = collect(store, '', from);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    const at = await commit(store, [put('k', 'more')]);
    const witness = collect(store, '', at - 1);
    await vi.waitFor(() => expect(witness.events).toHaveLength(1));
    witness.stop();
    expect(events).toHaveLength(1);
    const [event] = events;
    if (event?.kind !== 'compacted') throw new Error(`got ${event?.kind}`);
    expect(event.revision).toBeGreaterThan(from);
    expect(event.revision).toBeLessThanOrEqual(at);
  });

  test('list, then watch from its revision: no change is missed or doubled', async () => {
    const { harness, store } = subject();
    const writer = await harness.connect('two');
    const writing = (async () => {
      for (let index = 0; index < 30; index += 1) {
        await commit(writer, [put(`vm/${index % 7}`, String(index))]);
      }
    })();
    await commit(store, [put('other', '')]);
    const mirror = new Map<string, string>();
    const { items, revision: from } = await store.list('vm/');
    for (const item of items) mirror.set(item.key, item.value);
    const { events, stop } = collect(store, 'vm/', from);
    await writing;
    const { items: final, revision: at } = await store.list('vm/');
    await vi.waitFor(() => expect(revisionsOf(events).at(-1)).toBe(at));
    stop();
    for (const event of events) {
      for (const [key, value] of Object.entries(changesOf(event))) mirror.set(key, value ?? '');
    }
    expect(Object.fromEntries(mirror)).toEqual(
      Object.fromEntries(final.map((item) => [item.key, item.value])),
    );
    expect(events.length).toBeGreaterThan(0);
    expect(revisionsOf(events)).toEqual(events.map((_, index) => from + 1 + index));
  });
}
