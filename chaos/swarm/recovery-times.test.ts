import { expect, test } from 'vitest';
import type { Fact, Ground, JsonObject } from '../checkers/history.ts';
import { addRecoveries, histogramsOf, recoveryBucketsMs, RecoveryTimes } from './recovery-times.ts';
import type { RecoveryCounts } from './recovery-times.ts';

const ground: Ground = { boots: new Map(), liveOn: () => [], liveAt: () => [] };

function heartbeat(from: string, sentAtMs: number): Fact {
  const body = { kind: 'heartbeat' };
  return { kind: 'message', stage: 'delivered', from, to: 'm-1', sentAtMs, body };
}

function record(fields: JsonObject): Fact {
  const value = { node: 'node-1', outcome: 'open', proof: null, vms: [], ...fields };
  return { kind: 'write', revision: 1, key: 'failover/FO-1', text: '', value, ground };
}

const started = (vm: string): JsonObject => ({ vm, startedAt: '2026-01-01T00:00:00Z' });
const proof = { kind: 'powerOff' };

/** The upper bounds of what was counted, with repetition. */
function boundsOf(counts: RecoveryCounts, name: string): readonly number[] {
  return (counts[name] ?? []).flatMap((count, index) =>
    Array.from({ length: count }, () => recoveryBucketsMs[index] ?? Infinity),
  );
}

function failover(): RecoveryTimes {
  const times = new RecoveryTimes();
  times.take(heartbeat('node-1', 1000), 1001);
  times.take(heartbeat('node-2', 9000), 9001);
  times.take(record({}), 4000);
  times.take(record({ proof }), 6000);
  times.take(record({ proof, vms: [started('a')] }), 7000);
  times.take(record({ proof, vms: [started('a'), started('b')], outcome: 'completed' }), 8000);
  return times;
}

test('each step counts from the last heartbeat of the node, each VM once', () => {
  const counts = failover().counts();
  const near = (name: string, wanted: readonly number[]): void => {
    const bounds = boundsOf(counts, name);
    expect(bounds).toHaveLength(wanted.length);
    for (const [index, tookMs] of wanted.entries()) {
      expect(bounds[index]).toBeGreaterThanOrEqual(tookMs);
      expect(bounds[index]).toBeLessThan(tookMs * 1.11);
    }
  };
  near('powerOff/detected', [3000]);
  near('powerOff/proven', [5000]);
  near('powerOff/started', [6000, 7000]);
});

test('a failover that is called off, or of a node that was never heard, counts nothing', () => {
  const times = new RecoveryTimes();
  times.take(record({}), 4000);
  times.take(record({ proof }), 5000);
  times.take(heartbeat('node-1', 6000), 6001);
  times.take(record({}), 9000);
  times.take(record({ outcome: 'cancelled' }), 9500);
  expect(times.counts()).toEqual({});
});

test('what took longer than every bound stands in the last count', () => {
  const times = new RecoveryTimes();
  times.take(heartbeat('node-1', 0), 0);
  times.take(record({}), 3000);
  times.take(record({ proof }), 5_000_000);
  expect(times.counts()['powerOff/proven']?.at(-1)).toBe(1);
});

test('counts of two runs add up, in any order', () => {
  const one = failover().counts();
  const both = addRecoveries(addRecoveries({}, one), one);
  expect(boundsOf(both, 'powerOff/started')).toHaveLength(4);
  expect(addRecoveries(one, {})).toEqual(one);
  expect(histogramsOf(both).map(({ proof: kind, stage }) => `${kind}/${stage}`)).toEqual([
    'powerOff/detected',
    'powerOff/proven',
    'powerOff/started',
  ]);
});
