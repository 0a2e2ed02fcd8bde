import { describe, expect, it } from 'vitest';
import type { JsonObject } from './history.ts';
import { LockChecker } from './locks.ts';
import { SelfMoveChecker } from './self-moves.ts';
import { judge, permit, write } from './testing/facts.ts';

const vm = (name: string, node: string, more: JsonObject = {}) =>
  write(`vm/${name}`, {
    spec: { name, memoryMiB: 600 },
    permit: { ...permit(node, 1) },
    move: null,
    ...more,
  });
const node = (name: string) => write(`node/${name}`, { capacity: { memoryMiB: 1000 } });
const settings = write('settings', { placement: { selfMoves: { settleMs: 10_000 } } });
const goes = (to: string, cause: string | null) => ({
  move: { cause, migration: { target: { ...permit(to, 2) } } },
});
const begun = [
  [0, settings],
  [0, node('n1')],
  [0, node('n2')],
  [0, vm('a', 'n1')],
] as const;

describe('moves that nobody asked for', () => {
  it('of a VM that has rested to a node with room are well', () => {
    const facts = [...begun, [20_000, vm('a', 'n1', goes('n2', 'rule'))]] as const;
    expect(judge(new SelfMoveChecker(), facts)).toEqual([]);
  });

  it('come not too soon, unless a person asked', () => {
    const move = (cause: string | null) =>
      [...begun, [5000, vm('a', 'n1', goes('n2', cause))]] as const;
    expect(judge(new SelfMoveChecker(), move('balance'))).toHaveLength(1);
    expect(judge(new SelfMoveChecker(), move(null))).toEqual([]);
  });

  it('go to no full node, not beside what is kept apart, and not while all is disarmed', () => {
    const rule = write('rule/r', { type: 'apart', strict: true, enabled: true, vms: ['a', 'b'] });
    const arming = write('arming', { disarmed: { mode: 'freeze' } });
    const move = [20_000, vm('a', 'n1', goes('n2', 'balance'))] as const;
    const other = [0, vm('b', 'n2')] as const;
    expect(judge(new SelfMoveChecker(), [...begun, other, move])).toHaveLength(1);
    expect(judge(new SelfMoveChecker(), [...begun, other, [1, rule], move])).toHaveLength(2);
    expect(judge(new SelfMoveChecker(), [...begun, [1, arming], move])).toHaveLength(1);
  });
});

describe('locks', () => {
  const lock = { lock: { kind: 'backup', at: '2026-01-01' } };
  const start = { operation: { kind: 'start' }, permit: { ...permit('n1', 2) } };

  it('keep a VM from being started and from being copied elsewhere', () => {
    const locked = [0, vm('a', 'n1', lock)] as const;
    const started = [1, vm('a', 'n1', { ...lock, ...start })] as const;
    const copied = [1, vm('a', 'n1', { ...lock, ...goes('n2', null) })] as const;
    expect(judge(new LockChecker(), [locked, started])).toHaveLength(1);
    expect(judge(new LockChecker(), [locked, copied])).toHaveLength(1);
  });

  it('bind nothing once they are off, or before they were made', () => {
    const started = vm('a', 'n1', { ...lock, ...start });
    expect(
      judge(new LockChecker(), [
        [0, vm('a', 'n1')],
        [1, started],
      ]),
    ).toEqual([]);
    const free = vm('a', 'n1', start);
    expect(
      judge(new LockChecker(), [
        [0, vm('a', 'n1', lock)],
        [1, free],
      ]),
    ).toEqual([]);
  });
});
