import { describe, expect, it } from 'vitest';
import { MemoryStorage } from './memory-storage.ts';
import type { Entry } from './types.ts';

const confState = {
  voters: [1],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};
const data = new Uint8Array();

function entry(index: number, term: number): Entry {
  return { index, term, type: 'normal', data };
}

function stored(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.append([entry(1, 1), entry(2, 1), entry(3, 2), entry(4, 2)]);
  return storage;
}

describe('storage in memory', () => {
  it('replaces everything from the first new entry on', () => {
    const storage = stored();
    storage.append([entry(3, 5)]);
    expect([storage.lastIndex(), storage.term(3), storage.term(4)]).toEqual([3, 5, 'unavailable']);
    expect(() => storage.append([entry(9, 5)])).toThrow(/hole/);
  });

  it('remembers the term of the entry that it compacted last', () => {
    const storage = stored();
    expect(storage.compact(2)).toBe('ok');
    expect(storage.compact(2)).toBe('compacted');
    expect([storage.firstIndex(), storage.term(2), storage.term(1)]).toEqual([3, 1, 'compacted']);
    expect(storage.entries(2, 4, 99)).toBe('compacted');
    expect(storage.entries(3, 6, 99)).toBe('unavailable');
    storage.append([entry(2, 9), entry(3, 9)]);
    expect([storage.term(2), storage.term(3), storage.lastIndex()]).toEqual([1, 9, 3]);
  });

  it('becomes a newer snapshot and refuses an older one', () => {
    const storage = stored();
    expect(storage.keepSnapshot(3, confState, data)).toBe('ok');
    expect(storage.snapshot()).toEqual({ index: 3, term: 2, confState, data });
    expect(storage.applySnapshot({ index: 3, term: 2, confState, data })).toBe('older');
    expect(storage.applySnapshot({ index: 8, term: 4, confState, data })).toBe('ok');
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(8)]).toEqual([9, 8, 4]);
    expect(storage.initialState().confState).toEqual(confState);
  });
});
