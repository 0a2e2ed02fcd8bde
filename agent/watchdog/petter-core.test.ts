import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dropToken,
  mayDisarm,
  mayPet,
  openPetter,
  phaseOf,
  sighted,
  takeToken,
  type PetterState,
  type PetterToken,
} from './petter-core.ts';

const token: PetterToken = {
  bootId: 'boot-1',
  incarnation: 'boot-1.a',
  deadlineMs: 10_000,
  graceMs: 3000,
  vms: ['vm-1'],
  agentPid: 100,
};

function taken(state: PetterState, given: PetterToken, nowMs: number): PetterState {
  const answer = takeToken(state, given, nowMs);
  if (answer.kind === 'refused') throw new Error(answer.because);
  return answer.state;
}

const guarding = taken(openPetter('boot-1', null), token, 5000);

describe('a petter', () => {
  it('pets without conditions while nothing rests on it', () => {
    expect(mayPet(openPetter('boot-1', null), 1e9)).toBe(true);
  });

  it('pets until the grace after the deadline is over, and not a moment longer', () => {
    expect(mayPet(guarding, 12_999)).toBe(true);
    expect(mayPet(guarding, 13_000)).toBe(false);
  });

  it('pets on when a look since the deadline has found nothing left', () => {
    const seen = sighted(guarding, { begunMs: 10_500, alive: 0 });
    expect(phaseOf(seen, 13_500)).toBe('contained');
    expect(mayPet(seen, 13_500)).toBe(true);
  });

  it('believes no look from before the deadline, nor one that is old', () => {
    expect(mayPet(sighted(guarding, { begunMs: 9999, alive: 0 }), 13_500)).toBe(false);
    expect(mayPet(sighted(guarding, { begunMs: 10_500, alive: 0 }), 20_500)).toBe(false);
  });

  it('does not call off a kill that has begun', () => {
    const later = { ...token, deadlineMs: 20_000 };
    expect(takeToken(guarding, later, 10_500).kind).toBe('refused');
    expect(dropToken(guarding, 10_500)).toBeNull();
  });

  it('takes no more from an agent that was to die with its VMs, but from the next one', () => {
    const contained = sighted(guarding, { begunMs: 10_500, alive: 0 });
    const later = { ...token, deadlineMs: 30_000 };
    expect(takeToken(contained, later, 11_000).kind).toBe('refused');
    expect(takeToken(contained, { ...later, incarnation: 'boot-1.b' }, 11_000).kind).toBe('taken');
  });

  it('takes no token of another boot, and none that is over', () => {
    const state = openPetter('boot-1', null);
    expect(takeToken(state, { ...token, bootId: 'boot-0' }, 5000).kind).toBe('refused');
    expect(takeToken(state, token, 10_000).kind).toBe('refused');
    expect(openPetter('boot-2', token).token).toBeNull();
  });

  it('disarms only when no VM rests on it', () => {
    expect(mayDisarm(guarding)).toBe(false);
    expect(mayDisarm(taken(openPetter('boot-1', null), { ...token, vms: [] }, 5000))).toBe(true);
  });

  it('whatever tokens come: never pets past deadline and grace of the last one taken, unless contained', () => {
    const steps = fc.array(
      fc.record({
        waitMs: fc.integer({ min: 0, max: 4000 }),
        leaseMs: fc.integer({ min: -1000, max: 8000 }),
        agent: fc.constantFrom('a', 'b'),
        look: fc.option(fc.integer({ min: 0, max: 2 })),
      }),
      { maxLength: 30 },
    );
    const holds = fc.check(
      fc.property(steps, (script) => {
        let state = openPetter('boot-1', null);
        let nowMs = 0;
        for (const { waitMs, leaseMs, agent, look } of script) {
          nowMs += waitMs;
          if (look !== null) state = sighted(state, { begunMs: nowMs, alive: look });
          const given = { ...token, incarnation: agent, deadlineMs: nowMs + leaseMs };
          const answer = takeToken(state, given, nowMs);
          if (answer.kind === 'taken') state = answer.state;
          const { token: last, sighting } = state;
          const isOver = last !== null && nowMs >= last.deadlineMs + last.graceMs;
          const isClear =
            last !== null && sighting?.alive === 0 && sighting.begunMs >= last.deadlineMs;
          if (isOver && !isClear && mayPet(state, nowMs)) return false;
        }
        return true;
      }),
    );
    expect(holds.counterexample).toBeNull();
  });
});
