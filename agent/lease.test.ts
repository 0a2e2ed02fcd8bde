import { expect, test } from 'vitest';
import { grantsLease, leaseHolds, noLease, renewLease } from './lease.ts';
import type { LeaseAck } from './lease.ts';

const ack: LeaseAck = {
  lease: true,
  epoch: 5,
  incarnation: 'boot.1',
  sentAtMs: 1000,
  leaseTtlMs: 6000,
  graceMs: 3000,
  watchdogMs: 5000,
};
const self = { incarnation: 'boot.1', epochSeen: 5 };

test('the lease counts from the send time of the acknowledged heartbeat', () => {
  expect(renewLease(noLease, ack)).toEqual({ untilMs: 7000 });
});

test('a lease holds up to its deadline and not at it', () => {
  expect(leaseHolds({ untilMs: 7000 }, 6999.9)).toBe(true);
  expect(leaseHolds({ untilMs: 7000 }, 7000)).toBe(false);
  expect(leaseHolds(noLease, 0)).toBe(false);
});

test('an older acknowledgement that comes late does not shorten the lease', () => {
  const lease = renewLease(noLease, { ...ack, sentAtMs: 2000 });
  expect(renewLease(lease, ack)).toBe(lease);
});

test('only an ack with a lease grants one', () => {
  expect(grantsLease(ack, self)).toBe(true);
  expect(grantsLease({ ...ack, lease: false }, self)).toBe(false);
});

test('X2: an ack for another incarnation grants nothing', () => {
  expect(grantsLease({ ...ack, incarnation: 'boot.2' }, self)).toBe(false);
});

test('X2: an ack of a deposed leader grants nothing', () => {
  expect(grantsLease({ ...ack, epoch: 4 }, self)).toBe(false);
  expect(grantsLease({ ...ack, epoch: 6 }, self)).toBe(true);
});
