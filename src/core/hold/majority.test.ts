import { describe, expect, it } from 'vitest';
import { nodeId, type NodeId } from '../model/ids.ts';
import type { MembershipRecord } from '../model/membership.ts';
import { majoritySinceMs, majorityVerdict, withConfirmation, type Stretch } from './majority.ts';

const [x, a, b, c, d] = ['x', 'a', 'b', 'c', 'd'].map(nodeId) as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];
const stretch = (fromMs: number, untilMs: number): Stretch => ({ fromMs, untilMs });

describe('confirmations of one node', () => {
  it('that join on to each other make one stretch', () => {
    const one = withConfirmation([stretch(0, 100)], stretch(50, 150));
    expect(one).toEqual([stretch(0, 150)]);
    expect(withConfirmation(one, stretch(150, 200))).toEqual([stretch(0, 200)]);
  });

  it('with a gap between them make two', () => {
    const two = [stretch(0, 100), stretch(101, 200)];
    expect(withConfirmation([stretch(0, 100)], stretch(101, 200))).toEqual(two);
  });

  it('that were over when they arrived say nothing', () => {
    expect(withConfirmation([], stretch(100, 100))).toEqual([]);
    expect(withConfirmation([stretch(0, 100)], stretch(50, 90))).toEqual([stretch(0, 100)]);
  });
});

describe('the majority of three nodes against one of them', () => {
  const since = (
    ofA: readonly Stretch[],
    ofB: readonly Stretch[],
    nowMs: number,
    ofX: readonly Stretch[] = [],
  ): number | null =>
    majoritySinceMs(
      [a, b, x],
      x,
      new Map([
        [a, ofA],
        [b, ofB],
        [x, ofX],
      ]),
      nowMs,
    );

  it('is there since the later of the two began', () => {
    expect(since([stretch(0, 1000)], [stretch(100, 900)], 800)).toBe(100);
  });

  it('is not there when one of them does not reach to now', () => {
    expect(since([stretch(0, 1000)], [stretch(100, 800)], 800)).toBeNull();
    expect(since([stretch(0, 1000)], [], 800)).toBeNull();
  });

  it('begins anew after a gap', () => {
    expect(since([stretch(0, 1000)], [stretch(0, 300), stretch(301, 900)], 800)).toBe(301);
  });

  it('does not count the node itself', () => {
    expect(since([stretch(0, 1000)], [], 800, [stretch(0, 1000)])).toBeNull();
  });
});

describe('a majority', () => {
  it('may be of other nodes at every instant, as long as it is one', () => {
    const confirmed = new Map([
      [a, [stretch(0, 1000)]],
      [b, [stretch(0, 1000)]],
      [c, [stretch(0, 500)]],
      [d, [stretch(500, 1000)]],
    ]);
    expect(majoritySinceMs([a, b, c, d, x], x, confirmed, 900)).toBe(0);
    confirmed.set(d, [stretch(501, 1000)]);
    expect(majoritySinceMs([a, b, c, d, x], x, confirmed, 900)).toBe(501);
  });

  it('is more than half: two of four are not', () => {
    const confirmed = new Map([
      [a, [stretch(0, 1000)]],
      [b, [stretch(0, 1000)]],
    ]);
    expect(majoritySinceMs([a, b, c, x], x, confirmed, 900)).toBeNull();
  });
});

describe('the memberships that a node may be using', () => {
  const record: MembershipRecord = {
    kind: 'membership',
    number: 3,
    mark: '1.3',
    members: [a, b, x].map((node) => ({ node, fingerprint: node })),
    earlier: [
      { mark: '1.1', nodes: [] },
      { mark: '1.2', nodes: [a, b, c, d, x] },
    ],
  };
  const both = new Map([
    [a, [stretch(0, 1000)]],
    [b, [stretch(200, 1000)]],
  ]);
  const verdict = (acknowledged: string | null, confirmed: typeof both = both) =>
    majorityVerdict({ record, acknowledged, node: x, confirmed, nowMs: 900 });

  it('are the newest alone once it acknowledged that', () => {
    expect(verdict('1.3')).toEqual({ kind: 'since', ms: 200, marks: ['1.3'] });
  });

  it('are all since the one that it acknowledged: each needs its own majority', () => {
    expect(verdict('1.2').kind).toBe('missing');
    const more = new Map([...both, [c, [stretch(300, 1000)]]]);
    expect(verdict('1.2', more)).toEqual({ kind: 'since', ms: 300, marks: ['1.2', '1.3'] });
  });

  it('are all that are known when it acknowledged none', () => {
    expect(verdict(null).kind).toBe('missing');
  });

  it('cannot be told when what it acknowledged is not known any more', () => {
    expect(verdict('0.9').kind).toBe('missing');
  });

  it('hold nobody with fewer than three nodes, or without the node', () => {
    const two = { ...record, members: record.members.slice(1), earlier: [] };
    const question = { acknowledged: '1.3', confirmed: both, nowMs: 900 };
    expect(majorityVerdict({ ...question, record: two, node: x })).toEqual({ kind: 'notNeeded' });
    const without = { ...question, record: { ...record, earlier: [] }, node: d };
    expect(majorityVerdict(without)).toEqual({ kind: 'notNeeded' });
  });
});
