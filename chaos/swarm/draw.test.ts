import { expect, test } from 'vitest';
import { drawScenario } from './draw.ts';

const seeds = Array.from({ length: 600 }, (_, index) => index + 1);

test('about a third of the seeds have the store that managers keep, with 1, 3 or 5 of them', () => {
  const drawn = seeds.map((seed) => drawScenario(seed)).filter(({ store }) => store === 'raft');
  expect(drawn.length / seeds.length).toBeGreaterThan(0.27);
  expect(drawn.length / seeds.length).toBeLessThan(0.45);
  expect(new Set(drawn.map(({ managers }) => managers))).toEqual(new Set([1, 3, 5]));
  expect(drawn.every(({ joining, managers }) => joining < managers)).toBe(true);
});

test('a store and a number of managers that are asked for are drawn, with profiles that fit', () => {
  for (const seed of seeds.slice(0, 100)) {
    const drawn = drawScenario(seed, { store: 'raft', managers: 5 });
    expect(drawn).toMatchObject({ store: 'raft', managers: 5, twoLeaders: false });
    expect(drawScenario(seed, { store: 'memory' }).store).toBe('memory');
  }
});

test('what cannot be drawn is said', () => {
  expect(() => drawScenario(1, { profile: 'disks', store: 'memory' })).toThrow('made for');
});
