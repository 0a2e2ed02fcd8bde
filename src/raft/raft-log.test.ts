import { describe, expect, it } from 'vitest';
import { InvariantBroken } from './invariant.ts';
import { MemoryStorage } from './memory-storage.ts';
import { RaftLog } from './raft-log.ts';
import { quietLogger } from './testing/quiet-logger.ts';
import type { Entry } from './types.ts';

function entry(index: number, term: number, size = 0): Entry {
  return { index, term, type: 'normal', data: new Uint8Array(size) };
}

function logOf(terms: readonly number[], maxApplyingSize = Number.POSITIVE_INFINITY): RaftLog {
  const storage = new MemoryStorage();
  storage.append(terms.map((term, at) => entry(at + 1, term)));
  return new RaftLog(storage, quietLogger, maxApplyingSize);
}

describe('the log', () => {
  it('takes nothing back when a message comes late', () => {
    const log = logOf([1, 1, 2, 2]);
    expect(log.maybeAppend({ index: 1, term: 1 }, [entry(2, 1)], 0)).toBe(2);
    expect(log.lastIndex()).toBe(4);
  });

  it('replaces from the first entry that conflicts, and refuses what follows on nothing', () => {
    const log = logOf([1, 1, 2, 2]);
    expect(log.maybeAppend({ index: 2, term: 2 }, [entry(3, 3)], 0)).toBeUndefined();
    expect(log.maybeAppend({ index: 2, term: 1 }, [entry(3, 3)], 9)).toBe(3);
    expect([log.lastIndex(), log.term(3), log.committed]).toEqual([3, 3, 3]);
  });

  it('never replaces what is committed', () => {
    const log = logOf([1, 1]);
    log.commitTo(2);
    expect(() => log.maybeAppend({ index: 1, term: 1 }, [entry(2, 2)], 2)).toThrow(InvariantBroken);
    expect(() => log.append([entry(2, 2)])).toThrow(InvariantBroken);
    expect(() => log.commitTo(3)).toThrow(InvariantBroken);
  });

  it('commits by counting in the current term alone', () => {
    const log = logOf([1, 2]);
    expect(log.maybeCommit(1, 2)).toBe(false);
    expect(log.maybeCommit(2, 2)).toBe(true);
    expect(log.committed).toBe(2);
  });

  it('keeps an entry in memory that was replaced while it was written', () => {
    const log = logOf([1]);
    log.append([entry(2, 1)]);
    log.acceptUnstable();
    log.append([entry(2, 2)]);
    log.stableTo(2, 1);
    expect(log.nextEntries()).toEqual([entry(2, 2)]);
    log.acceptUnstable();
    log.stableTo(2, 2);
    expect(log.hasUnstableEntries).toBe(false);
  });

  it('finds the last entry whose term is not above another', () => {
    const log = logOf([1, 1, 4, 4, 6]);
    expect(log.lastNotAbove(5, 5)).toEqual({ index: 4, term: 4 });
    expect(log.lastNotAbove(4, 3)).toEqual({ index: 2, term: 1 });
    expect(log.lastNotAbove(9, 3)).toEqual({ index: 9, term: 0 });
    expect(log.lastNotAbove(5, 0)).toEqual({ index: 0, term: 0 });
  });

  it('hands committed entries out in batches, the next when the last was applied', () => {
    const log = logOf([1, 1, 1, 1], 12);
    log.commitTo(4);
    expect(log.nextCommitted(true)).toHaveLength(2);
    log.acceptApplying(2, 12, true);
    expect(log.hasNextCommitted(true)).toBe(false);
    log.appliedTo(2, 12);
    expect(log.nextCommitted(true).map(({ index }) => index)).toEqual([3, 4]);
  });

  it('hands out only what is stable when it must', () => {
    const log = logOf([1]);
    log.append([entry(2, 1)]);
    log.commitTo(2);
    expect(log.nextCommitted(false).map(({ index }) => index)).toEqual([1]);
    expect(log.nextCommitted(true).map(({ index }) => index)).toEqual([1, 2]);
  });

  it('reads across the border of what is stable, within a size', () => {
    const log = logOf([1, 1]);
    log.append([entry(3, 1), entry(4, 1)]);
    const indexes = (size: number): unknown => {
      const found = log.slice(1, 5, size);
      return typeof found === 'string' ? found : found.map(({ index }) => index);
    };
    expect(indexes(Number.POSITIVE_INFINITY)).toEqual([1, 2, 3, 4]);
    expect(indexes(18)).toEqual([1, 2, 3]);
    expect(indexes(0)).toEqual([1]);
    expect(log.slice(0, 2, 9)).toBe('compacted');
  });

  it('is replaced by a snapshot as a whole', () => {
    const log = logOf([1, 1, 1]);
    log.append([entry(4, 1)]);
    const confState = {
      voters: [1],
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
    };
    log.restore({ index: 9, term: 3, confState, data: new Uint8Array() });
    expect([log.firstIndex(), log.lastIndex(), log.committed]).toEqual([10, 9, 9]);
    expect([log.term(9), log.term(4), log.hasNextEntries]).toEqual([3, 'compacted', false]);
    expect(log.nextCommitted(true)).toEqual([]);
  });
});
