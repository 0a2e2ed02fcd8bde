import { expect, test } from 'vitest';
import { defaultPlacementPolicy } from '../model/placement-policy.ts';
import { apart, onNodes } from '../placement/testing/sites.ts';
import { TestWorld } from '../testing/world.ts';
import { findingsOf } from './findings.ts';

function twoOnOneNode(): TestWorld {
  const world = new TestWorld();
  world.addNode('n1');
  world.addNode('n2');
  for (const name of ['a', 'b']) world.addRunningVm(name, 'n1');
  return world;
}

const codes = (world: TestWorld): readonly string[] =>
  findingsOf(world, world.observe())
    .map((one) => one.code)
    .filter((code) => code === 'RULE_BROKEN' || code === 'LOAD_UNEVEN');

test('a VM that runs where a strict rule forbids it is a finding, with the rule', () => {
  const world = twoOnOneNode();
  expect(codes(world)).toEqual([]);
  world.rules.set('ab', apart('ab', ['a', 'b']));
  const found = findingsOf(world, world.observe()).find((one) => one.code === 'RULE_BROKEN');
  const text =
    'runs on n1: rule ab keeps it apart from b; a stays: it has not been where it is for long';
  expect(found).toMatchObject({ subject: 'a', text });
});

test('a preference that is not fulfilled is none', () => {
  const world = twoOnOneNode();
  world.rules.set('p', onNodes('p', ['a'], { n2: 0 }, false));
  expect(codes(world)).toEqual([]);
});

test('uneven load is a finding where that is to be suggested, and only above the threshold', () => {
  const world = twoOnOneNode();
  const set = (threshold: number): void => {
    const balance = { ...defaultPlacementPolicy.balance, mode: 'suggest' as const, threshold };
    world.settings = { ...world.settings, placement: { ...defaultPlacementPolicy, balance } };
  };
  set(0.3);
  expect(codes(world)).toEqual(['LOAD_UNEVEN']);
  set(2);
  expect(codes(world)).toEqual([]);
});
