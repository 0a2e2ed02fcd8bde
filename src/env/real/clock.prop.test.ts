import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { combineBoottime } from './clock.ts';

/** What a machine does: time passes, or it is suspended. All in whole microseconds. */
interface Step {
  readonly suspended: boolean;
  readonly us: number;
  /** Time between the two readings of one call. */
  readonly readUs: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    suspended: fc.boolean(),
    us: fc.integer({ min: 0, max: 60_000_000 }),
    readUs: fc.integer({ min: 0, max: 2000 }),
  }),
  { minLength: 1, maxLength: 40 },
);

interface Sample {
  /** The kernel's boot-time clock when the call returned. */
  readonly trueMs: number;
  readonly measuredMs: number;
  readonly suspendsMs: number;
}

function run(bootedUs: number, script: readonly Step[]): Sample[] {
  const state = { awakeUs: 0, bootUs: bootedUs, suspendUs: 0, readUs: 0 };
  const clock = combineBoottime({
    // Cut to 10 ms, as the kernel prints it.
    uptimeS: () => Math.floor(state.bootUs / 10_000) / 100,
    monotonicMs: () => {
      state.awakeUs += state.readUs;
      state.bootUs += state.readUs;
      return state.awakeUs / 1000;
    },
  });
  return script.map((step) => {
    state.bootUs += step.us;
    if (step.suspended) state.suspendUs += step.us;
    else state.awakeUs += step.us;
    state.readUs = step.readUs;
    const measuredMs = clock();
    return { trueMs: state.bootUs / 1000, measuredMs, suspendsMs: state.suspendUs / 1000 };
  });
}

const booted = fc.integer({ min: 0, max: 1_000_000_000 });
const roundingMs = 0.001;

test('C4: the boot-time clock counts suspend, never runs ahead and is late by 12 ms at most', () => {
  fc.assert(
    fc.property(booted, steps, (bootedUs, script) => {
      for (const { trueMs, measuredMs } of run(bootedUs, script)) {
        expect(measuredMs).toBeLessThanOrEqual(trueMs + roundingMs);
        expect(measuredMs).toBeGreaterThan(trueMs - 12 - roundingMs);
      }
    }),
  );
});

test('C4: it never goes back, and without suspend no interval is measured too short', () => {
  fc.assert(
    fc.property(booted, steps, (bootedUs, script) => {
      const samples = run(bootedUs, script);
      for (const [index, later] of samples.entries()) {
        const earlier = samples[index - 1] ?? later;
        expect(later.measuredMs).toBeGreaterThanOrEqual(earlier.measuredMs - roundingMs);
        const trueMs = later.trueMs - earlier.trueMs;
        const measuredMs = later.measuredMs - earlier.measuredMs;
        const allowedMs = later.suspendsMs === earlier.suspendsMs ? 0 : 12;
        expect(measuredMs).toBeGreaterThanOrEqual(trueMs - allowedMs - roundingMs);
      }
    }),
  );
});
