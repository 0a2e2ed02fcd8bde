import { expect, test } from 'vitest';
import type { Fact, JsonObject } from './history.ts';
import { LevelChecker } from './levels.ts';
import { write } from './testing/facts.ts';

const topology = [
  { devices: [{ id: 'n1/bmc' }], budgetMs: 20_000 },
  { devices: [{ id: 'n1/pdu-a' }, { id: 'n1/pdu-b' }] },
];
const fence = (change: JsonObject): Fact =>
  write('fence/F-1', { node: 'n1', phase: 'acting', level: 1, proof: null, ...change });

function problems(facts: readonly (readonly [number, Fact])[]): readonly string[] {
  const checker = new LevelChecker();
  const begin = [
    [0, write('leader', { candidate: 'm-1' })],
    [0, write('node/n1', { fenceTopology: topology })],
  ] as const;
  return [...begin, ...facts].flatMap(([atMs, fact]) => checker.take(fact, atMs));
}

const proof = (...devices: readonly string[]): JsonObject => ({
  kind: 'powerOff',
  devices: devices.map((device) => ({ device })),
});

test('a level that is left before its time is told', () => {
  expect(
    problems([
      [1000, fence({})],
      [21_000, fence({ level: 2 })],
    ]),
  ).toEqual([]);
  const early = problems([
    [1000, fence({})],
    [5000, fence({ level: 2 })],
  ]);
  expect(early).toEqual([expect.stringContaining('after 4000 ms, its budget is 20000 ms')]);
});

test('a level whose device lets nobody in may be left at once', () => {
  const refused = { kind: 'bmc', node: 'n1', mode: 'wrongPassword' } as const;
  expect(
    problems([
      [0, refused],
      [1000, fence({})],
      [2000, fence({ level: 2 })],
    ]),
  ).toEqual([]);
});

test('B16: a proof of one outlet of two is told, one of both is not', () => {
  const proven = (...devices: readonly string[]) =>
    problems([
      [0, fence({})],
      [9000, fence({ phase: 'proven', proof: proof(...devices) })],
    ]);
  expect(proven('n1/pdu-a', 'n1/pdu-b')).toEqual([]);
  expect(proven('n1/bmc')).toEqual([]);
  expect(proven('n1/pdu-a')).toEqual([expect.stringContaining('no whole level')]);
});

test('an on while the node is being powered off is told', () => {
  const on = { stage: 'started', manager: 'm-1', bmcHost: 'pdu-a-n1', action: 'on' } as const;
  const tool = { kind: 'tool', exitCode: null, ...on } as const;
  expect(
    problems([
      [0, fence({})],
      [5000, tool],
    ]),
  ).toHaveLength(1);
  expect(
    problems([
      [0, fence({ phase: 'proven', proof: proof('n1/bmc') })],
      [5000, tool],
    ]),
  ).toEqual([]);
  expect(
    problems([
      [0, fence({})],
      [5000, { ...tool, manager: 'm-2' }],
    ]),
  ).toEqual([]);
});
