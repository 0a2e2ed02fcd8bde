import type { ClusterState } from '../cluster-state.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import type { FenceLevel, NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import { lockedText } from '../model/vm-lock.ts';
import { selfFenceAgainst } from '../decide/self-fencing.ts';
import { guardAgainst } from '../decide/guards.ts';
import { lastSignOfLifeMs } from '../decide/witnesses.ts';
import { openDraft } from '../decide/draft.ts';
import type { Observations } from '../observations.ts';
import { powerOffVerdict } from '../proof/power-off.ts';
import { silentSinceMs } from '../timing/silence.ts';
import { failingDevices } from './fence-grade.ts';
import { maintenanceFacts } from './maintenance-findings.ts';
import { queuedStart } from './guest-findings.ts';
import { nodeState, vmState } from './states.ts';
import { waysOut } from './ways-out.ts';

/** What is so, what is awaited, and which commands would end the wait. */
export interface Explanation {
  readonly facts: readonly string[];
  readonly awaiting: readonly string[];
  readonly try: readonly string[];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Why a fence operation has no proof yet, and what would give it one. */
export function explainFence(
  fence: FenceOperation,
  state: ClusterState,
  observations: Observations,
): Explanation {
  const facts = [`${fence.id} is to prove ${fence.node} dead; it is ${fence.phase}`];
  if (fence.proof !== null) facts.push(`proven by ${fence.proof.kind}`);
  for (const one of fence.revoked) facts.push(`${one.proof.kind} was revoked: ${one.because}`);
  if (fence.phase !== 'intent' && fence.phase !== 'acting') return { facts, awaiting: [], try: [] };

  const node = state.nodes.get(fence.node);
  const execution = observations.fences.get(fence.id);
  const seen = observations.nodes.get(fence.node);
  const awaiting: string[] = [];
  const steps: string[] = [];
  const blocked = guardAgainst(openDraft(state, observations), fence);
  if (blocked !== null && fence.phase === 'intent') {
    facts.push(`no device command is sent: ${blocked.because}`);
    steps.push(blocked.try);
  }
  const levels = node?.fenceTopology ?? [];
  facts.push(...levelFacts(fence, levels));
  const verdict = powerOffVerdict({
    levels,
    readings: execution?.readings ?? [],
    outstanding: execution?.outstanding ?? false,
    distrusted: fence.distrusted,
    lastHeartbeatMs: lastSignOfLifeMs(openDraft(state, observations), fence),
    silentMs: observations.nowMs - silentSinceMs(seen, observations),
  });
  if (verdict.kind === 'missing') awaiting.push(`powerOff: ${verdict.missing.join('; ')}`);
  for (const [device, error] of execution?.errors ?? []) {
    facts.push(`${device}: ${error.code}, ${error.detail}`);
  }
  awaiting.push(...selfFenceText(fence, state, observations));
  awaiting.push(`newBoot: ${fence.node} comes back with another boot id`);
  awaiting.push('attested: a person says that it is off');
  steps.push(`kennel node confirm-off ${fence.node} --reason "..."`);
  return { facts, awaiting, try: [...new Set(steps)] };
}

/** What the proof by time waits for, where there can be one. */
function selfFenceText(
  fence: FenceOperation,
  state: ClusterState,
  observations: Observations,
): readonly string[] {
  if (fence.incarnation.isolation !== 'selfFencing') return [];
  const verdict = selfFenceAgainst(openDraft(state, observations), fence);
  if (verdict.kind === 'holds') return ['selfFence: its time is over; the storm governor holds'];
  if (verdict.kind === 'never') return [`selfFence: not to be had, ${verdict.because}`];
  const leftMs = Math.max(0, verdict.atMs - observations.nowMs);
  return [`selfFence: ${verdict.because ?? `its time is over in ${seconds(leftMs)}`}`];
}

/** Which of several levels is tried. */
function levelFacts(fence: FenceOperation, levels: readonly FenceLevel[]): readonly string[] {
  if (fence.phase !== 'acting' || levels.length < 2) return [];
  const devices = levels[fence.level - 1]?.devices.map(({ id }) => id) ?? [];
  return [`level ${fence.level} of ${levels.length} is tried: ${devices.join(', ')}`];
}

export function explainNode(
  node: NodeRecord,
  state: ClusterState,
  observations: Observations,
): Explanation {
  const seen = observations.nodes.get(node.id);
  const facts = [`${node.id} is ${nodeState(node, state, observations)}`];
  facts.push(
    seen?.lastHeartbeatMs == null
      ? 'this manager has not heard it yet'
      : `last heard ${seconds(observations.nowMs - seen.lastHeartbeatMs)} ago`,
  );
  facts.push(...maintenanceFacts(openDraft(state, observations), node));
  const fence = node.fence === null ? undefined : state.fences.get(node.fence);
  if (fence !== undefined) {
    const more = explainFence(fence, state, observations);
    return { ...more, facts: [...facts, ...more.facts] };
  }
  const awaiting: string[] = [];
  const steps: string[] = [];
  if (node.phase === 'quarantined') {
    const minutes = Math.round(state.settings.guards.quietMs / 60_000);
    awaiting.push(`${minutes} minutes without a loss, a restart or a gap in its heartbeats`);
    steps.push(`kennel node unquarantine ${node.id}`);
  }
  if (node.phase === 'joining') {
    awaiting.push('its agent connects, its hypervisor answers and nothing runs there unpermitted');
    steps.push('kennel agent run, on the node');
  }
  if (node.fenceTopology.length === 0) {
    facts.push('it has no fence device: its VMs are not protected');
    steps.push(`kennel fence add ${node.id}/bmc --driver ipmi --host ... --user ...`);
  }
  for (const { device, because } of failingDevices(node, state.fences.values())) {
    facts.push(`${device} could not fence it now: ${because}`);
    steps.push(`kennel fence test ${device}`);
  }
  return { facts, awaiting, try: steps };
}

export function explainVm(
  vm: VmRecord,
  state: ClusterState,
  observations: Observations,
): Explanation {
  const now = vmState(vm, state, observations);
  const owner =
    vm.permit === null
      ? 'nobody holds its permit'
      : `${vm.permit.node} holds its permit (token ${vm.permit.token})`;
  const facts = [`${vm.spec.name} is ${now}, desired ${vm.desired}`, owner];
  if (vm.reason !== null) facts.push(vm.reason);
  const queued = queuedStart(vm, state, observations);
  if (queued !== null) facts.push(queued);
  for (const stray of vm.strays) {
    facts.push(`it was seen to run on ${stray.node} without a permit, and is to be stopped there`);
  }
  const node = vm.permit === null ? undefined : state.nodes.get(vm.permit.node);
  if (now === 'waitingProof' && node !== undefined) {
    const more = explainNode(node, state, observations);
    return {
      facts: [
        ...facts,
        `it is not started elsewhere before ${node.id} is proven dead`,
        ...more.facts,
      ],
      awaiting: more.awaiting,
      try: more.try,
    };
  }
  if (now === 'unknown' && node !== undefined) {
    return {
      facts: [...facts, `${node.id} does not say whether it runs`],
      awaiting: [`${node.id} is heard again, its hypervisor answers, or it is proven dead`],
      try: [`kennel explain ${node.id}`],
    };
  }
  if (vm.desired === 'ignored') return { facts, awaiting: [], try: [] };
  if (vm.lock != null) {
    const text = lockedText(vm.lock);
    const waits = vm.phase === 'stopped' && vm.desired === 'running';
    return {
      facts: vm.reason === text ? facts : [...facts, text],
      awaiting: waits ? ['its lock is taken off'] : [],
      try: [`kennel vm unlock ${vm.spec.name}`],
    };
  }
  const awaiting = awaitedInPhase(vm);
  return {
    facts,
    awaiting: awaiting === null ? [] : [awaiting],
    try: awaiting === null ? [] : waysOut(vm),
  };
}

/** What ends the present phase of a VM; null when nothing is awaited. */
function awaitedInPhase(vm: VmRecord): string | null {
  const owner = vm.permit?.node ?? 'its owner';
  switch (vm.phase) {
    case 'stopped':
      if (vm.wait != null) return 'the VMs that are to be ready first';
      return vm.desired === 'running' ? 'a node that can take it' : null;
    case 'starting':
    case 'recovering':
      return `${owner} reports it running, or gives the start up`;
    case 'stopping':
      return `${owner} acknowledges that it runs there no more, or is proven dead`;
    case 'migrating':
      return awaitedOfMigration(vm);
    case 'running':
      return vm.desired === 'running' && vm.operation === null
        ? null
        : `${owner} has done what it was told`;
    case 'backoff':
      return 'the next start, after a delay that grows with each failure';
    case 'failed':
      return vm.permit === null
        ? 'the end of its window, after which it is tried again'
        : `${owner} stops it, or is proven dead`;
    default:
      return vm.phase satisfies never;
  }
}

function awaitedOfMigration({ permit, move }: VmRecord): string | null {
  const migration = move?.migration ?? null;
  if (migration === null) return null;
  const from = permit?.node ?? 'its owner';
  const to = migration.target.node;
  switch (migration.phase) {
    case 'preparing':
      return `${to} says that it can take it`;
    case 'moving':
      return `${from} has copied it to ${to}`;
    case 'cancelling':
      return `${from} says how it stands there, or is proven dead`;
    case 'ending':
      return `${to} drops its copy, or is proven dead`;
    default:
      return migration.phase satisfies never;
  }
}
