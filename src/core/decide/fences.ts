import type { FenceAttempt, FenceOperation } from '../model/fence-operation.ts';
import type { BootId } from '../model/ids.ts';
import type { Proof } from '../model/proof.ts';
import type { FenceObservation, NodeObservation } from '../observations.ts';
import { powerOffVerdict } from '../proof/power-off.ts';
import { silentSinceMs } from '../timing/silence.ts';
import type { Draft } from './draft.ts';
import { withDrill } from './drill.ts';
import { withNextFailover } from './fence-intent.ts';
import { guardAgainst, type Blocked } from './guards.ts';
import { phaseOnReturn } from './quarantine.ts';
import { aliveByPeersMs, lastSignOfLifeMs, later } from './witnesses.ts';
import { heldVmsOf, incomingVmsOf, movableVmsOf } from './ownership.ts';
import { isSelfFenceDisproven, selfFenceOf } from './self-fencing.ts';

/** The last attempts that a fence operation keeps. */
const maxAttempts = 20;

/** One step for every fence operation that is not over. */
export function decideFences(draft: Draft): void {
  for (const fence of draft.fences()) {
    if (draft.isFull()) return;
    switch (fence.phase) {
      case 'intent':
      case 'acting':
        decideUnproven(draft, fence);
        break;
      case 'proven':
        decideProven(draft, fence);
        break;
      case 'closed':
        if (fence.proof !== null && isDisproven(draft, fence))
          revokeLate(draft, fence, fence.proof);
        else forgetWhenOld(draft, fence);
        break;
      case 'cancelled':
        forgetWhenOld(draft, fence);
        break;
      default:
        fence.phase satisfies never;
    }
  }
}

function decideUnproven(draft: Draft, before: FenceOperation): void {
  const seen = draft.observations.nodes.get(before.node);
  const since = draft.observations.fencePhaseSince.get(before.id);
  // Committed a moment ago: nothing has been observed since the intent yet.
  if (since === undefined) return;
  noteIntent(draft, before, since.wall);
  const execution = draft.observations.fences.get(before.id);
  const fence = withAttempts(draft, before, execution);
  const lives = fence.phase === 'intent' && isAlive(fence, seen, since.ms);
  const proof = proofOf(draft, fence, seen, execution);
  if (proof !== null && !(lives && proof.kind === 'selfFence')) {
    recordProof(draft, fence, proof, execution);
    return;
  }
  if (lives) {
    cancel(draft, fence);
    return;
  }
  const blocked = guardAgainst(draft, fence);
  const node = draft.node(fence.node);
  if (node !== undefined) {
    const isShown =
      blocked !== null && fence.phase !== 'acting' && !isMomentary(draft, blocked, since.ms);
    const phase = isShown ? 'blocked' : 'fencing';
    if (node.phase !== phase) {
      draft.put({ ...node, phase });
      // An incident of many nodes is announced once, by the governor.
      if (isShown && !isAnnouncedByGovernor(blocked)) {
        draft.event({
          code: 'FENCE_BLOCKED',
          severity: 'critical',
          node: node.id,
          vm: null,
          text: `${node.id} is not fenced: ${blocked.because}`,
        });
      }
    }
  }
  if (execution === undefined) return;
  const mayTell = fence.phase === 'acting' || (fence.phase === 'intent' && blocked === null);
  const next = mayTell && execution.wantsToAct ? withTold(fence, execution.wantsToTell) : fence;
  const reached = withLevel(draft, next, execution.level);
  if (reached !== fence) draft.put(reached);
}

/** Recorded before it is sent: `acting`, and the devices that may be told from now on. */
function withTold(fence: FenceOperation, devices: readonly string[]): FenceOperation {
  const fresh = devices.filter((device) => !fence.told.includes(device));
  if (fence.phase === 'acting' && fresh.length === 0) return fence;
  return { ...fence, phase: 'acting', told: [...fence.told, ...fresh] };
}

/** The level that is tried now, so that a new leader goes on with it. */
function withLevel(draft: Draft, fence: FenceOperation, level: number | null): FenceOperation {
  if (level === null || level <= fence.level) return fence;
  const devices = draft.node(fence.node)?.fenceTopology[level - 1]?.devices ?? [];
  draft.event({
    code: 'FENCE_LEVEL',
    severity: 'warning',
    node: fence.node,
    vm: null,
    text: `${fence.node} was not proven off by level ${fence.level}; level ${level} is tried: ${devices.map(({ id }) => id).join(', ')} (${fence.id})`,
  });
  return { ...fence, level };
}

/**
 * Channels are not lost in step: what a peer had a moment before the last heartbeat is no news, and
 * nobody is to be woken for it.
 */
function isMomentary(draft: Draft, { guard }: Blocked, sinceMs: number): boolean {
  if (guard !== 'channels') return false;
  const dueMs = sinceMs + draft.state.settings.timing.failAfterMs;
  if (draft.observations.nowMs >= dueMs) return false;
  draft.wakeAt(dueMs);
  return true;
}

function isAnnouncedByGovernor({ guard }: Blocked): boolean {
  return guard === 'governor' || guard === 'atOnce';
}

/** The first write after the intent tells when the intent was known to be committed. */
function noteIntent(draft: Draft, fence: FenceOperation, wall: string): void {
  const failover = draft.failover(fence.failover);
  if (failover !== undefined && failover.intentAt === null) {
    draft.put({ ...failover, intentAt: wall });
  }
}

/** Appends device commands that the record does not have yet. */
function withAttempts(
  draft: Draft,
  fence: FenceOperation,
  execution: FenceObservation | undefined,
): FenceOperation {
  const known = new Set(fence.attempts.map(attemptKey));
  const fresh = (execution?.attempts ?? []).filter((attempt) => !known.has(attemptKey(attempt)));
  if (fresh.length === 0) return fence;
  const grown = { ...fence, attempts: [...fence.attempts, ...fresh].slice(-maxAttempts) };
  draft.put(grown);
  return grown;
}

const attemptKey = (attempt: FenceAttempt): string =>
  `${attempt.device}/${attempt.action}/${attempt.at}`;

/** The first proof that holds; all paths are looked at every time. */
function proofOf(
  draft: Draft,
  fence: FenceOperation,
  seen: NodeObservation | undefined,
  execution: FenceObservation | undefined,
): Proof | null {
  const boot = newBootOf(draft, fence, seen);
  if (boot !== null) {
    return { kind: 'newBoot', oldBoot: fence.incarnation.bootId, newBoot: boot };
  }
  const node = draft.node(fence.node);
  if (node === undefined) return null;
  if (execution === undefined) return selfFenceOf(draft, fence);
  const verdict = powerOffVerdict({
    levels: node.fenceTopology,
    readings: execution.readings,
    outstanding: execution.outstanding,
    distrusted: fence.distrusted,
    // What its peers had from it is a sign of life like any other.
    lastHeartbeatMs: lastSignOfLifeMs(draft, fence),
    silentMs: draft.observations.nowMs - silentSinceMs(seen, draft.observations),
  });
  return verdict.kind === 'holds' ? verdict.proof : selfFenceOf(draft, fence);
}

/**
 * Another boot of the machine that lived after the fenced incarnation was known to be admitted, and
 * is therefore a later one: a machine has one boot at a time. Null = none was seen. A boot id that
 * merely differs may be an older one, remembered by a manager that did not lead meanwhile.
 */
function newBootOf(
  draft: Draft,
  fence: FenceOperation,
  seen: NodeObservation | undefined,
): BootId | null {
  const boot = seen?.incarnation?.bootId;
  const since = draft.observations.incarnationSince.get(fence.node);
  if (boot === undefined || boot === fence.incarnation.bootId) return null;
  if (since === undefined || since.incarnation !== fence.incarnation.id) return null;
  return seen?.aliveAtMs != null && seen.aliveAtMs > since.ms ? boot : null;
}

/** Life of the same boot after the intent: the machine was only slow to be heard. */
function isAlive(
  fence: FenceOperation,
  seen: NodeObservation | undefined,
  sinceMs: number,
): boolean {
  if (fence.requestedBy.kind === 'person' || seen === undefined) return false;
  return (
    seen.incarnation?.bootId === fence.incarnation.bootId &&
    seen.lastHeartbeatMs !== null &&
    seen.lastHeartbeatMs > sinceMs
  );
}

function cancel(draft: Draft, fence: FenceOperation): void {
  draft.put({ ...fence, phase: 'cancelled' });
  const node = draft.node(fence.node);
  if (node !== undefined) {
    draft.put({ ...node, phase: phaseOnReturn(draft, node), fence: null });
  }
  const failover = draft.failover(fence.failover);
  if (failover !== undefined) {
    draft.put({ ...failover, outcome: 'cancelled', closedAt: draft.observations.nowWall });
  }
  draft.event({
    code: 'FENCE_CANCELLED',
    severity: 'info',
    node: fence.node,
    vm: null,
    text: `${fence.node} is heard again before any device command; ${fence.id} is called off`,
  });
}

/** Commits the proof; the node is `fenced` and its VMs may get new owners from here on. */
export function recordProof(
  draft: Draft,
  fence: FenceOperation,
  proof: Proof,
  execution: FenceObservation | undefined,
): void {
  draft.put({ ...fence, phase: 'proven', proof });
  const node = draft.node(fence.node);
  if (node !== undefined) {
    const drilled = withDrill(draft, node, fence, execution);
    draft.put({ ...drilled, phase: 'fenced', incarnation: null });
  }
  const failover = draft.failover(fence.failover);
  if (failover !== undefined) {
    draft.put({
      ...failover,
      provenAt: draft.observations.nowWall,
      firstOffAt: proof.kind === 'powerOff' ? (execution?.firstOffWall ?? null) : null,
      proof,
    });
  }
  draft.event({
    code: 'NODE_FENCED',
    severity: 'warning',
    node: fence.node,
    vm: null,
    text: `${fence.node} is proven dead by ${proof.kind} (${fence.id})`,
  });
}

function decideProven(draft: Draft, fence: FenceOperation): void {
  const isDone =
    movableVmsOf(draft, fence.node, fence.incarnation.id).length === 0 &&
    incomingVmsOf(draft, fence.incarnation.id).length === 0 &&
    draft.failover(fence.failover)?.outcome !== 'open';
  if (fence.proof !== null && isDisproven(draft, fence)) {
    if (isDone) revokeLate(draft, fence, fence.proof);
    else revoke(draft, fence, fence.proof);
    return;
  }
  if (isDone) draft.put({ ...fence, phase: 'closed' });
}

/**
 * The boot that was proven dead is heard after the proof was recorded, by whichever of its agents:
 * one that restarted meanwhile has another incarnation, and the same VMs beside it (FAILURES B7).
 */
function isDisproven(draft: Draft, fence: FenceOperation): boolean {
  if (fence.proof?.kind === 'selfFence') return isSelfFenceDisproven(draft, fence);
  const seen = draft.observations.nodes.get(fence.node);
  const since = draft.observations.fencePhaseSince.get(fence.id);
  if (since === undefined) return false;
  const isOfBoot = seen?.incarnation?.bootId === fence.incarnation.bootId;
  const aliveAtMs = later(
    isOfBoot ? (seen?.aliveAtMs ?? null) : null,
    aliveByPeersMs(draft, fence),
  );
  return aliveAtMs !== null && aliveAtMs > since.ms;
}

/**
 * A sign of life disproves the proof (`BMC_LIED`, or a person erred). The devices that gave it are
 * believed no more in this operation, and VMs that have not been given away stay where they are.
 */
function revoke(draft: Draft, fence: FenceOperation, proof: Proof): void {
  const left = movableVmsOf(draft, fence.node, fence.incarnation.id);
  const node = draft.node(fence.node);
  const failover = draft.failover(fence.failover);
  const devices = proof.kind === 'powerOff' ? proof.devices.map((one) => one.device) : [];
  const because = `${fence.incarnation.bootId} was heard after the proof`;
  const going: FenceOperation = {
    ...fence,
    // Nothing was sent yet when the readings alone were the proof: life calls it off.
    phase: fence.attempts.length > 0 || fence.told.length > 0 ? 'acting' : 'intent',
    proof: null,
    distrusted: [...new Set([...fence.distrusted, ...devices])],
    revoked: [...fence.revoked, { proof, at: draft.observations.nowWall, because }],
  };
  if (node !== undefined) {
    draft.put({ ...node, phase: 'fencing', fence: fence.id, incarnation: fence.incarnation });
  }
  if (failover?.outcome === 'open') {
    draft.put(going);
    draft.put({ ...failover, proof: null, provenAt: null });
  } else {
    draft.put(withNextFailover(draft, going));
  }
  draft.event({
    code: proof.kind === 'powerOff' ? 'BMC_LIED' : 'PROOF_REVOKED',
    severity: 'critical',
    node: fence.node,
    vm: null,
    text: `${fence.node} lives although it was proven dead by ${proof.kind}; ${left.length} VMs are held back`,
  });
}

/**
 * The same after its VMs were given away: too late to hold anything back. What still runs there is
 * stopped as a leftover before the incarnation is admitted again, and the proof counts no more.
 */
function revokeLate(draft: Draft, fence: FenceOperation, proof: Proof): void {
  const because = `${fence.incarnation.bootId} was heard after its VMs were given away`;
  draft.put({
    ...fence,
    phase: 'cancelled',
    proof: null,
    revoked: [...fence.revoked, { proof, at: draft.observations.nowWall, because }],
  });
  const node = draft.node(fence.node);
  if (node?.fence === fence.id) {
    // VMs that failover does not move are still its: the agent is taken back with them.
    const holds = heldVmsOf(draft, fence.incarnation.id).length > 0;
    draft.put({
      ...node,
      phase: holds ? 'online' : 'joining',
      incarnation: holds ? fence.incarnation : null,
      fence: null,
    });
  }
  draft.event({
    code: proof.kind === 'powerOff' ? 'BMC_LIED' : 'PROOF_REVOKED',
    severity: 'critical',
    node: fence.node,
    vm: null,
    text: `${fence.node} lives although it was proven dead by ${proof.kind}, and its VMs were started elsewhere`,
  });
}

/** How many ended operations are kept to look at. */
const keptOperations = 100;

function forgetWhenOld(draft: Draft, fence: FenceOperation): void {
  const number = Number(fence.id.slice(2));
  if (number > draft.state.counters.fence - keptOperations) return;
  if (heldVmsOf(draft, fence.incarnation.id).length > 0) return;
  if (incomingVmsOf(draft, fence.incarnation.id).length > 0) return;
  const records = [...draft.state.failovers.values()];
  const kept = records.filter((one) => draft.failover(one.id) !== undefined);
  let left = 0;
  for (const failover of kept.filter((one) => one.fence === fence.id)) {
    // From the front of the chain only: a gap in the middle looks like a record that was taken out.
    if (kept.some((one) => one.hash !== null && one.hash === failover.previousHash)) left += 1;
    else draft.remove(failover);
  }
  if (left === 0) draft.remove(fence);
}
