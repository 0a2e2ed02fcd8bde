import { expect, test } from 'vitest';
import { randomFromSeed } from './random.ts';
import type { RandomStream } from './random.ts';

function draws(stream: RandomStream, count: number): readonly number[] {
  return Array.from({ length: count }, () => stream.uint32());
}

test('a seed gives the same numbers on every machine', () => {
  expect(draws(randomFromSeed(1), 4)).toEqual([
    3_803_910_686, 365_423_030, 2_594_976_688, 4_150_149_093,
  ]);
  expect(randomFromSeed(1).split('network').uuid()).toBe('b204fc12-4284-422c-aaf9-a00f001e8f3d');
});

test('streams of different names share nothing', () => {
  const root = randomFromSeed(7);
  const names = ['network', 'disk', 'network/1', 'networ', 'disk ', 'a>b', 'b>a'];
  const first = names.map((name) => draws(root.split(name), 8).join());
  expect(new Set(first).size).toBe(names.length);
});

test('what is drawn from one stream does not change another', () => {
  const quiet = randomFromSeed(7);
  const busy = randomFromSeed(7);
  draws(busy, 1000);
  draws(busy.split('disk'), 1000);
  expect(draws(busy.split('network'), 100)).toEqual(draws(quiet.split('network'), 100));
});

test('neighbouring seeds and names are not correlated', () => {
  const ones = (word: number): number => word.toString(2).replaceAll('0', '').length;
  for (const other of [randomFromSeed(2), randomFromSeed(11), randomFromSeed('1 ')]) {
    const base = draws(randomFromSeed(1), 2000);
    const flips = draws(other, 2000).map((word, index) => ones((word ^ (base[index] ?? 0)) >>> 0));
    const mean = flips.reduce((sum, count) => sum + count, 0) / flips.length;
    expect(Math.abs(mean - 16)).toBeLessThan(0.5);
  }
});

test('fractions are even, below one, and whole numbers stay below their bound', () => {
  const stream = randomFromSeed('spread');
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 20_000; draw += 1) {
    const bucket = stream.below(10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  expect(buckets).toHaveLength(10);
  for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(250);
});

test('chance draws one number whatever the probability', () => {
  const a = randomFromSeed(3);
  const b = randomFromSeed(3);
  expect(a.chance(0)).toBe(false);
  expect(b.chance(1)).toBe(true);
  expect(a.uint32()).toBe(b.uint32());
});

test('uuids are of version 4 and differ', () => {
  const stream = randomFromSeed('uuid');
  const uuids = Array.from({ length: 2000 }, () => stream.uuid());
  expect(new Set(uuids).size).toBe(2000);
  for (const uuid of uuids) {
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(new Set(uuids.map((uuid) => uuid.charAt(19))).size).toBe(4);
});
