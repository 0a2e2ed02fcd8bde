import type { FenceOperation } from '../model/fence-operation.ts';
import type { SelfFenceProof } from '../model/proof.ts';
import type { TimingSettings } from '../model/settings.ts';
import { selfFenceBoundMs } from '../timing/self-fence-bound.ts';
import { attestationProblems, boundingWatchdogMs } from './attestation.ts';

export interface SelfFenceEvidence {
  readonly fence: Pick<FenceOperation, 'incarnation' | 'revoked'>;
  readonly timing: TimingSettings;
  /** When this manager last acknowledged a lease of any incarnation of the node; null = never. */
  readonly leaseGrantedMs: number | null;
  /** Not before this manager's election. */
  readonly leadingSinceMs: number;
  /** Since when nobody could hold it; null = it is held by nobody (docs/peer-hold.md). */
  readonly majoritySinceMs: number | null;
  readonly nowMs: number;
  /** Latest instant at which the fenced incarnation certainly lived; null = none is known. */
  readonly aliveAtMs: number | null;
}

export type SelfFenceVerdict =
  | { readonly kind: 'holds'; readonly proof: SelfFenceProof }
  /** It is looked at again then: nothing but time is missing, or what `because` says. */
  | { readonly kind: 'later'; readonly atMs: number; readonly because?: string }
  | { readonly kind: 'never'; readonly because: string };

/**
 * The `selfFence` proof (DESIGN §5): `t >= r + (L + G + kW)(1 + rho) + tau`. r is the latest instant at
 * which any manager could have acknowledged a lease of that boot: this one's last, or its own
 * election, since what an earlier leader acknowledges later answers what was sent before. Where the
 * other nodes may hold it, r is not before the start of the majority that excludes it. A node
 * that holds is never proven so, nor is one whose agent was heard when it had to be dead.
 */
export function selfFenceVerdict(evidence: SelfFenceEvidence): SelfFenceVerdict {
  const { fence, timing } = evidence;
  const { incarnation } = fence;
  const { watchdog } = incarnation;
  if (incarnation.isolation !== 'selfFencing' || watchdog === undefined) {
    return { kind: 'never', because: 'it keeps its VMs when its lease runs out' };
  }
  const [problem] = attestationProblems(watchdog, timing);
  if (problem !== undefined) return { kind: 'never', because: problem };
  if (fence.revoked.some((one) => one.proof.kind === 'selfFence')) {
    return { kind: 'never', because: 'it was proven so before, and lived' };
  }
  const grantedMs = evidence.leaseGrantedMs ?? Number.NEGATIVE_INFINITY;
  const leasedMs = Math.max(grantedMs, evidence.leadingSinceMs);
  const sinceMs = Math.max(leasedMs, evidence.majoritySinceMs ?? leasedMs);
  const byLease = grantedMs > evidence.leadingSinceMs ? 'lease' : 'election';
  const countedFrom = sinceMs > leasedMs ? 'majority' : byLease;
  const watchdogRounds = watchdog.held ? 2 : 3;
  const watchdogMs = boundingWatchdogMs(watchdog, timing);
  const boundMs = selfFenceBoundMs({ ...timing, watchdogMs }, watchdogRounds);
  const mustBeDeadMs = sinceMs + boundMs - timing.marginMs;
  if (evidence.aliveAtMs !== null && evidence.aliveAtMs > mustBeDeadMs) {
    return { kind: 'never', because: 'its agent lived on when it had to be dead' };
  }
  const elapsedMs = evidence.nowMs - sinceMs;
  if (elapsedMs < boundMs) return { kind: 'later', atMs: sinceMs + boundMs };
  const { leaseTtlMs, graceMs, clockRateBound, marginMs } = timing;
  return {
    kind: 'holds',
    proof: {
      kind: 'selfFence',
      boundMs,
      elapsedMs,
      countedFrom,
      leaseTtlMs,
      graceMs,
      watchdogMs,
      watchdogRounds,
      clockRateBound,
      marginMs,
      watchdog,
    },
  };
}
