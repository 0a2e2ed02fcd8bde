import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grantsLease, noLease, renewLease } from './lease.ts';
import type { LeaseAck } from './lease.ts';

const ack: fc.Arbitrary<LeaseAck> = fc.record({
  lease: fc.boolean(),
  epoch: fc.integer({ min: 0, max: 5 }),
  incarnation: fc.constantFrom('a', 'b'),
  sentAtMs: fc.integer({ min: 0, max: 100_000 }),
  leaseTtlMs: fc.integer({ min: 1, max: 10_000 }),
  graceMs: fc.constant(3000),
  watchdogMs: fc.constant(5000),
});

test('in any order of acks the lease ends at the latest deadline that was granted', () => {
  fc.assert(
    fc.property(fc.array(ack), (acks) => {
      const self = { incarnation: 'a', epochSeen: 0 };
      const granted = acks.filter((each) => grantsLease(each, self));
      const lease = granted.reduce(renewLease, noLease);
      const deadlines = granted.map((each) => each.sentAtMs + each.leaseTtlMs);
      expect(lease.untilMs).toBe(deadlines.length === 0 ? null : Math.max(...deadlines));
    }),
  );
});
