/**
 * The lease of this incarnation: the agent's own record of how long it may start VMs.
 * `untilMs` is on the agent's boot-time clock, which counts suspend; null = never granted.
 */
export interface Lease {
  readonly untilMs: number | null;
}

export const noLease: Lease = { untilMs: null };

/** A manager's answer to one heartbeat, with what the agent noted when it sent that heartbeat. */
export interface LeaseAck {
  readonly lease: boolean;
  readonly epoch: number;
  readonly incarnation: string;
  /** Boot-time clock read before the acknowledged heartbeat was sent, ms. */
  readonly sentAtMs: number;
  readonly leaseTtlMs: number;
  /** G and W of the cluster, for the petter; ms. */
  readonly graceMs: number;
  readonly watchdogMs: number;
}

/**
 * True when an ack grants a lease to this agent: it says so, it is for this incarnation, and it
 * comes from no leader older than the newest known. A replayed ack fails on the incarnation, or
 * yields only the deadline that its own heartbeat had earned.
 */
export function grantsLease(
  ack: LeaseAck,
  self: { readonly incarnation: string; readonly epochSeen: number },
): boolean {
  return ack.lease && ack.incarnation === self.incarnation && ack.epoch >= self.epochSeen;
}

/**
 * The lease after a granting ack. The deadline counts from the heartbeat's send time, because that
 * is the only instant of which agent and manager both know that it lies before the grant
 * (DESIGN §5). Acks that come late or out of order never shorten it: each was a promise of its own.
 */
export function renewLease(lease: Lease, ack: LeaseAck): Lease {
  const untilMs = ack.sentAtMs + ack.leaseTtlMs;
  return lease.untilMs !== null && lease.untilMs >= untilMs ? lease : { untilMs };
}

/** The lease given up: over now, unless it is over already. */
export function endLease({ untilMs }: Lease, nowMs: number): Lease {
  return untilMs === null || untilMs <= nowMs ? { untilMs } : { untilMs: nowMs };
}

/** True while the lease runs. At its very deadline it is over. */
export function leaseHolds(lease: Lease, nowMs: number): boolean {
  return lease.untilMs !== null && nowMs < lease.untilMs;
}
