import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../model/settings.ts';
import { heldUntilMs, isInNeed, promisesNeeded } from './asker.ts';
import { holdTimes } from './times.ts';

const times = holdTimes(defaultSettings('default').timing);
const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `n${index}`);

describe('a node that wants to be held', () => {
  it.each([
    [0, null],
    [1, null],
    [2, null],
    [3, 1],
    [4, 1],
    [5, 2],
    [6, 2],
    [32, 15],
  ])('of %i needs the promises of %s others', (count, needed) => {
    expect(promisesNeeded(names(count), 'n0')).toBe(needed);
  });

  it('needs to be one of them itself', () => {
    expect(promisesNeeded(names(5), 'other')).toBeNull();
  });

  const held = (promises: Readonly<Record<string, number>>, nowMs: number): number | null =>
    heldUntilMs({ members: names(5), self: 'n0' }, new Map(Object.entries(promises)), times, nowMs);

  it('counts from the oldest question of the newest that are enough', () => {
    expect(held({ n1: 9000, n2: 10_000, n3: 9500 }, 10_200)).toBe(15_500);
  });

  it('is held only while enough promises run at one instant', () => {
    expect(held({ n1: 9000, n2: 10_000 }, 10_999)).toBe(15_000);
    expect(held({ n1: 9000, n2: 10_000 }, 11_000)).toBeNull();
  });

  it('counts neither itself twice, nor strangers', () => {
    expect(held({ n0: 10_000, n1: 10_000, n9: 10_000 }, 10_100)).toBeNull();
  });

  it('asks before the others may promise, so that connections are there by then', () => {
    expect(isInNeed(10_000, times, 11_499)).toBe(false);
    expect(isInNeed(10_000, times, 11_500)).toBe(true);
  });
});
