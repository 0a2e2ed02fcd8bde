import type { FenceOperation } from '../model/fence-operation.ts';
import type { Incarnation, NodeRecord } from '../model/node.ts';
import { majorityVerdict } from '../hold/majority.ts';
import type { Proof } from '../model/proof.ts';
import type { NodeObservation } from '../observations.ts';
import { attestationProblems } from '../proof/attestation.ts';
import { selfFenceVerdict, type SelfFenceVerdict } from '../proof/self-fence.ts';
import type { Draft } from './draft.ts';
import { stormGuardAgainst } from './guards.ts';
import { straysOn } from './strays.ts';

/** How soon a majority that is missing is looked for again, ms. */
const majorityLookMs = 1000;

/**
 * The `selfFence` proof of an operation, or null. It needs no command, so it runs beside the fence
 * devices from the intent on. In a storm it waits as device commands do. It says nothing of a VM that
 * somebody started there without a permit: no petter was told of that one. Nor of a node that was not
 * heard since its store was restored: what it acknowledged before may be forgotten.
 */
export function selfFenceOf(draft: Draft, fence: FenceOperation): Proof | null {
  const verdict = selfFenceAgainst(draft, fence);
  if (verdict.kind === 'never') return null;
  if (verdict.kind === 'later') {
    draft.wakeAt(verdict.atMs);
    return null;
  }
  return stormGuardAgainst(draft, fence) === null ? verdict.proof : null;
}

/** How far that proof is, whatever the storm governor says. */
export function selfFenceAgainst(draft: Draft, fence: FenceOperation): SelfFenceVerdict {
  const { observations, state } = draft;
  if (straysOn(draft, fence.node, fence.incarnation.bootId).length > 0) {
    return { kind: 'never', because: 'a VM that its watchdog does not know may run there' };
  }
  if (draft.node(fence.node)?.unheardSince !== undefined) {
    return { kind: 'never', because: 'it was not heard since the store was restored' };
  }
  const seen = observations.nodes.get(fence.node);
  const majority = majorityVerdict({
    record: state.membership,
    acknowledged: fence.incarnation.membership ?? null,
    node: fence.node,
    confirmed: observations.confirmed,
    nowMs: observations.nowMs,
  });
  if (majority.kind === 'missing') {
    const { because } = majority;
    return { kind: 'later', atMs: observations.nowMs + majorityLookMs, because };
  }
  return selfFenceVerdict({
    fence,
    timing: state.settings.timing,
    leaseGrantedMs: observations.leaseGrantedMs.get(fence.node) ?? null,
    leadingSinceMs: observations.leadingSinceMs,
    majoritySinceMs: majority.kind === 'since' ? majority.ms : null,
    nowMs: observations.nowMs,
    aliveAtMs: seen?.incarnation?.id === fence.incarnation.id ? seen.aliveAtMs : null,
  });
}

/**
 * A self-fencing node that killed its VMs lives on, with another start of its agent: that is what the
 * proof says, and disproves nothing. What disproves it is a VM of the fenced incarnation that runs,
 * or the agent of that incarnation, which was to die with them.
 */
export function isSelfFenceDisproven(draft: Draft, fence: FenceOperation): boolean {
  const seen = draft.observations.nodes.get(fence.node);
  const sinceMs = draft.observations.fencePhaseSince.get(fence.id)?.ms;
  if (sinceMs === undefined || seen?.incarnation?.bootId !== fence.incarnation.bootId) return false;
  if (seen.aliveAtMs === null || seen.aliveAtMs <= sinceMs) return false;
  if (seen.incarnation.id === fence.incarnation.id) return true;
  if (seen.report === null || seen.report.receivedMs <= sinceMs) return false;
  return [...(seen.report.domains?.values() ?? [])].some(
    (domain) => domain.active && domain.permit?.incarnation === fence.incarnation.id,
  );
}

/** The node killed its VMs and lives on: a later start of its agent may be admitted. */
export function livesWithoutVms(fence: FenceOperation, incarnation: Incarnation): boolean {
  return fence.proof?.kind === 'selfFence' && fence.incarnation.id !== incarnation.id;
}

/**
 * Records what the admitted incarnation does when its lease runs out, and by which nodes it may be
 * held, as its agent last acknowledged: self-fencing counts only once this is committed.
 */
export function noteIsolation(
  draft: Draft,
  node: NodeRecord,
  seen: NodeObservation | undefined,
): NodeRecord {
  const { incarnation } = node;
  const report = seen?.report ?? null;
  if (incarnation === null || report?.incarnation !== incarnation.id) return node;
  const told = report.watchdog ?? null;
  const { timing } = draft.state.settings;
  const watchdog = told !== null && attestationProblems(told, timing).length === 0 ? told : null;
  const isSame = JSON.stringify(watchdog) === JSON.stringify(incarnation.watchdog ?? null);
  const mark = report.peerHold?.mark ?? incarnation.membership;
  if (isSame && mark === incarnation.membership) return node;
  const { id, bootId } = incarnation;
  const acknowledged = mark === undefined ? {} : { membership: mark };
  const noted: NodeRecord = {
    ...node,
    incarnation:
      watchdog === null
        ? { id, bootId, isolation: 'holding', ...acknowledged }
        : { id, bootId, isolation: 'selfFencing', watchdog, ...acknowledged },
  };
  draft.put(noted);
  if (isSame) return noted;
  draft.event({
    code: watchdog === null ? 'NODE_HOLDS' : 'NODE_SELF_FENCES',
    severity: watchdog === null ? 'warning' : 'info',
    node: node.id,
    vm: null,
    text:
      watchdog === null
        ? `${node.id} keeps its VMs when its lease runs out: its watchdog cannot be relied on`
        : `${node.id} kills its VMs when its lease runs out, under ${watchdog.identity}`,
  });
  return noted;
}
