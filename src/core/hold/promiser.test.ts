import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../model/settings.ts';
import { boundMs, offered, openPromiser, promised, type PromiserState } from './promiser.ts';
import { holdTimes } from './times.ts';

const times = holdTimes(defaultSettings('default').timing);
const fresh = openPromiser({ kind: 'none' }, 1000);

function taken(state: PromiserState, sentAtMs: number, nowMs: number): PromiserState {
  const answer = offered(state, sentAtMs, nowMs);
  expect(answer.taken).toBe(true);
  return answer.state;
}

describe('an agent that is asked for a promise', () => {
  it('has times that follow from those of the lease', () => {
    expect(times).toEqual({ leaseMs: 6000, bindMs: 3000, promiseMs: 2000, keepMs: 2020 });
  });

  it('makes none within V of the heartbeat of its last lease', () => {
    const state = taken(fresh, 10_000, 10_200);
    expect(promised(state, times, 12_999)).toBeNull();
    expect(promised(state, times, 13_000)?.promisedUntilMs).toBe(15_020);
  });

  it('gives up its lease by promising, and says that it is not bound', () => {
    const state = promised(taken(fresh, 10_000, 10_200), times, 13_000);
    expect(state?.holdsLease).toBe(false);
    expect(state === null ? null : boundMs(state, times, 13_000)).toBe(0);
  });

  it('takes no lease before its promise has run out, and promises no more meanwhile', () => {
    const promising = promised(taken(fresh, 10_000, 10_200), times, 13_000);
    if (promising === null) throw new Error('no promise');
    const refused = offered(promising, 14_000, 14_100);
    expect(refused.taken).toBe(false);
    expect(promised(refused.state, times, 14_500)).toBeNull();
    expect(offered(refused.state, 15_000, 15_019).taken).toBe(false);
    expect(offered(refused.state, 15_000, 15_020).taken).toBe(true);
  });

  it('says for how long it is bound only while it holds a lease', () => {
    expect(boundMs(fresh, times, 2000)).toBe(0);
    const state = taken(fresh, 10_000, 10_200);
    expect(boundMs(state, times, 10_500)).toBe(2500);
    expect(boundMs(state, times, 13_000)).toBe(0);
  });

  it.each([
    ['knows nothing of an earlier start', { kind: 'none' } as const, 4000, 1000],
    [
      'had leases before',
      { kind: 'kept', promising: false, bindMs: 5000, keepMs: 3000 } as const,
      6000,
      1000,
    ],
    [
      'promised before',
      { kind: 'kept', promising: true, bindMs: 3000, keepMs: 2020 } as const,
      4000,
      3020,
    ],
    ['cannot read what it did', { kind: 'damaged' } as const, 31_000, 31_000],
  ])('that starts anew and %s waits', (_, kept, promisesFromMs, leasesFromMs) => {
    const state = openPromiser(kept, 1000);
    expect(promised(state, times, promisesFromMs - 1)).toBeNull();
    expect(promised(state, times, promisesFromMs)).not.toBeNull();
    expect(offered(state, 900, leasesFromMs - 1).taken).toBe(false);
    expect(offered(state, 900, leasesFromMs).taken).toBe(true);
  });
});
