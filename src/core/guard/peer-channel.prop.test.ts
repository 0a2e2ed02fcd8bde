import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootId, incarnationId, nodeId, type NodeId } from '../model/ids.ts';
import type { PeerReport } from '../observations.ts';
import { peerChannel, peerLostAtMs } from './peer-channel.ts';
import { probeFanout, probeTargets } from './probe-targets.ts';

const windowMs = 3000;
const nowMs = 100_000;
const subject = nodeId('n0');
const boot = bootId('boot-1');
const question = (witnesses: readonly NodeId[]) => ({
  node: subject,
  bootId: boot,
  witnesses,
  windowMs,
});

/** Stalls of the manager, in the order in which they ended. */
const stallsOf = fc
  .array(
    fc.record({
      endedMs: fc.integer({ min: nowMs - 8000, max: nowMs }),
      lateMs: fc.integer({ min: 0, max: 4000 }),
    }),
    { maxLength: 3 },
  )
  .map((stalls) => stalls.sort((a, b) => a.endedMs - b.endedMs));

/** A report of any freshness, with an answer of any age, of this boot, another one, or none. */
const reports = fc.array(
  fc.record({
    reportAgeMs: fc.integer({ min: 0, max: 8000 }),
    answerAgeMs: fc.option(fc.integer({ min: 0, max: 8000 })),
    boot: fc.constantFrom('boot-1', 'boot-2'),
  }),
  { maxLength: 6 },
);
type Drawn = typeof reports extends fc.Arbitrary<infer T> ? T : never;

function seenOf(drawn: Drawn) {
  const peers = new Map<NodeId, PeerReport>();
  for (const [index, one] of drawn.entries()) {
    const atMs = one.answerAgeMs === null ? null : nowMs - one.reportAgeMs - one.answerAgeMs;
    peers.set(nodeId(`n${index}`), {
      incarnation: incarnationId(`n${index}`),
      receivedMs: nowMs - one.reportAgeMs,
      nodes: new Map([
        [subject, { bootId: atMs === null ? null : bootId(one.boot), atMs, certainMs: atMs }],
      ]),
    });
  }
  return { nowMs, stalls: [], peers };
}

const all = (drawn: Drawn): readonly NodeId[] => drawn.map((_, index) => nodeId(`n${index}`));

describe('the channel of peer probes', () => {
  it('W4: is alive exactly when another node, which reports now, had a fresh answer of that boot', () => {
    fc.assert(
      fc.property(reports, (drawn) => {
        const sees = drawn.some(
          (one, index) =>
            index !== 0 &&
            one.boot === 'boot-1' &&
            one.answerAgeMs !== null &&
            one.reportAgeMs + one.answerAgeMs < windowMs,
        );
        expect(peerChannel(question(all(drawn)), seenOf(drawn)).kind === 'alive').toBe(sees);
      }),
    );
  });

  it('what a node says of itself changes nothing', () => {
    fc.assert(
      fc.property(reports, (drawn) => {
        const seen = seenOf(drawn);
        const others = all(drawn).filter((id) => id !== subject);
        expect(peerChannel(question(all(drawn)), seen)).toEqual(
          peerChannel(question(others), seen),
        );
      }),
    );
  });

  it('W4: who is not believed any more changes nothing, whatever was last said', () => {
    fc.assert(
      fc.property(reports, reports, (believed, suspects) => {
        const seen = seenOf([...believed, ...suspects]);
        const witnesses = all(believed);
        const without = seenOf(believed);
        expect(peerChannel(question(witnesses), seen)).toEqual(
          peerChannel(question(witnesses), without),
        );
      }),
    );
  });

  it('never says lost where no answer ever came: probes that do not pass prove nothing', () => {
    fc.assert(
      fc.property(reports, (drawn) => {
        const mute = drawn.map((one) => ({ ...one, answerAgeMs: null }));
        expect(peerChannel(question(all(mute)), seenOf(mute)).kind).toBe('absent');
      }),
    );
  });

  it('stops being alive at the time it says, if no answer comes', () => {
    fc.assert(
      fc.property(reports, (drawn) => {
        // Reports go on; answers do not.
        const fresh = drawn.map((one) => ({ ...one, reportAgeMs: 0 }));
        const seen = seenOf(fresh);
        const atMs = peerLostAtMs(question(all(fresh)), seen);
        fc.pre(atMs !== null);
        const kindAt = (ms: number) => {
          const peers = new Map(
            [...seen.peers].map(([id, report]) => [id, { ...report, receivedMs: ms }]),
          );
          return peerChannel(question(all(fresh)), { ...seen, nowMs: ms, peers }).kind;
        };
        expect(kindAt(atMs - 1)).toBe('alive');
        expect(kindAt(atMs)).toBe('lost');
      }),
    );
  });

  it('while it is alive the time at which it is looked at again lies ahead, whatever stalls there were', () => {
    fc.assert(
      fc.property(reports, stallsOf, (drawn, stalls) => {
        const seen = { ...seenOf(drawn), stalls };
        const isAlive = peerChannel(question(all(drawn)), seen).kind === 'alive';
        const atMs = peerLostAtMs(question(all(drawn)), seen);
        expect(isAlive).toBe(atMs !== null);
        expect(atMs ?? nowMs + 1).toBeGreaterThan(nowMs);
      }),
    );
  });

  it('a stall of the manager makes no answer old', () => {
    const seen = seenOf([
      { reportAgeMs: 0, answerAgeMs: null, boot: 'boot-1' },
      { reportAgeMs: 2000, answerAgeMs: 2000, boot: 'boot-1' },
    ]);
    const witnesses = [nodeId('n1')];
    expect(peerChannel(question(witnesses), seen).kind).toBe('lost');
    const stalled = { ...seen, stalls: [{ endedMs: nowMs, lateMs: 1500 }] };
    expect(peerChannel(question(witnesses), stalled).kind).toBe('alive');
  });
});

describe('whom an agent probes', () => {
  const names = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 40 });

  it('every node is probed by as many others, and by no more than the fan-out', () => {
    fc.assert(
      fc.property(names, (numbers) => {
        const nodes = numbers.map((number) => nodeId(`n${number}`));
        const probed = new Map<NodeId, number>();
        for (const node of nodes) {
          const targets = probeTargets(nodes, node);
          expect(targets).not.toContain(node);
          expect(new Set(targets).size).toBe(targets.length);
          for (const target of targets) probed.set(target, (probed.get(target) ?? 0) + 1);
        }
        const each = Math.min(probeFanout, nodes.length - 1);
        for (const node of nodes) expect(probed.get(node) ?? 0).toBe(each);
      }),
    );
  });
});
