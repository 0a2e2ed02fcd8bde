import { describe, expect, test } from 'vitest';
import { drawPlan, type PlannedFault } from './plan.ts';

const size = { nodes: 3, vms: 6 };
const many = Array.from({ length: 60 }, (_, index) => drawPlan(index, 20, size));

describe('the plan of a seed', () => {
  test('is the same whenever it is drawn, and another for another seed', () => {
    expect(drawPlan(7, 5, size)).toEqual(drawPlan(7, 5, size));
    expect(drawPlan(7, 5, size).faults).not.toEqual(drawPlan(8, 5, size).faults);
  });

  test('has every kind of fault within a few seeds, and none that only a test plants', () => {
    const kinds = new Set(many.flatMap((plan) => plan.faults.map((one) => one.fault)));
    expect(kinds.size).toBe(42);
    expect([...kinds]).not.toContain('secondWriter');
  });

  test('begins and ends within its time, and lets faults meet', () => {
    for (const { faults } of many) {
      for (const { atMs } of faults) expect(atMs).toBeLessThan(20 * 60_000);
      expect(faults.length).toBeGreaterThan(40);
    }
    const meet = ({ faults }: { faults: readonly PlannedFault[] }): boolean =>
      faults.some((one, at) => (faults[at + 1]?.atMs ?? Infinity) < one.atMs + one.durationMs);
    expect(many.every(meet)).toBe(true);
  });

  test('silences no node while its BMC says Off of a running one', () => {
    const silent =
      /freeze|isolate|unplug|Node$|Link|Packets|agent|everyNodeCut|manager|reset|starve|Slow$/;
    const meeting = many.flatMap(({ faults }) =>
      faults
        .filter((one) => one.fault === 'bmcLieOff')
        .flatMap((lie) =>
          faults.filter(
            (one) =>
              (one.target === lie.target || one.target === 'cluster') &&
              one.atMs < lie.atMs + lie.durationMs &&
              one.atMs + one.durationMs > lie.atMs,
          ),
        ),
    );
    expect(meeting.length).toBeGreaterThan(0);
    expect(meeting.filter(({ fault }) => silent.test(fault))).toEqual([]);
  });
});
