import type { FenceOperation } from '../model/fence-operation.ts';
import { operationId, type NodeId, type Token, type VmId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import type { CommandObservation, CommandOutcome, NodeObservation } from '../observations.ts';
import type { AddressedCommand, Command, FenceRequest } from '../plan.ts';
import { isUnderWay, startsThatFit, type PendingStart } from '../order/start-slots.ts';
import { isLost } from '../timing/silence.ts';
import { actionCommand } from './actions.ts';
import type { Draft } from './draft.ts';
import { migrationCommand } from './migration-commands.ts';
import { leftoversOn } from './nodes.ts';
import { ownerOf } from './ownership.ts';

/** How long a command stays unanswered before it is sent again, in ms. Agents answer repeats. */
const resendMs = 5000;
/** How long after a refusal or failure such a command is tried again, in ms. */
const retryMs = 2000;

/**
 * The commands that committed records call for and that are not on their way already. Records
 * changed by this very decision are left out: their commit has to be acknowledged first.
 */
export function commandsFor(draft: Draft): readonly AddressedCommand[] {
  const commands: AddressedCommand[] = [];
  const starts: PendingStart[] = [];
  for (const vm of draft.state.vms.values()) {
    if (draft.isChanged(vm)) continue;
    if (vm.move?.migration != null) {
      // What is to be written onto its domain waits: nothing changes it while it is copied.
      const addressed = migrationCommand(draft, vm);
      if (addressed !== null && maySend(draft, addressed)) commands.push(addressed);
      continue;
    }
    const acting = actionCommand(draft, vm);
    if (acting !== null && maySend(draft, acting)) commands.push(acting);
    if (vm.operation === null || vm.permit === null) continue;
    if (ownerOf(vm, draft).kind !== 'live') continue;
    if (vm.operation.kind !== 'release' && !holdsLease(draft, vm.permit.node)) continue;
    const sent = draft.observations.commands.get(vm.operation.id);
    if (!isDue(draft, vm.operation.kind, sent)) continue;
    const command = commandOf(draft, vm);
    if (command === null) continue;
    const addressed = { node: vm.permit.node, incarnation: vm.permit.incarnation, command };
    if (command.kind === 'start' && !isUnderWay(draft, vm)) starts.push({ vm, command: addressed });
    else commands.push(addressed);
  }
  commands.push(...startsThatFit(draft, starts));
  commands.push(...leftoverCommands(draft));
  return commands;
}

function maySend(draft: Draft, { node, command }: AddressedCommand): boolean {
  const needsLease = command.kind !== 'abort' && command.kind !== 'release';
  if (needsLease && !holdsLease(draft, node)) return false;
  return isDue(draft, command.kind, draft.observations.commands.get(command.operation));
}

/** The agent refuses to start anything without a lease, so it is not asked to. */
function holdsLease(draft: Draft, node: NodeId): boolean {
  const grantedMs = draft.observations.nodes.get(node)?.lastLeaseMs ?? null;
  const { leaseTtlMs } = draft.state.settings.timing;
  return grantedMs !== null && draft.observations.nowMs - grantedMs < leaseTtlMs;
}

function isDue(draft: Draft, kind: Command['kind'], sent: CommandObservation | undefined): boolean {
  const { nowMs } = draft.observations;
  if (sent === undefined) return true;
  if (sent.outcome === null) {
    const dueMs = sent.sentMs + resendMs;
    if (nowMs >= dueMs) return true;
    draft.wakeAt(dueMs);
    return false;
  }
  if (!isAskedAgain(kind, sent.outcome)) return false;
  const dueMs = (sent.outcomeMs ?? sent.sentMs) + retryMs;
  if (nowMs >= dueMs) return true;
  draft.wakeAt(dueMs);
  return false;
}

/** What there is no other way on from: it is asked for until it is done. */
function isAskedAgain(kind: Command['kind'], { kind: outcome }: CommandOutcome): boolean {
  if (kind === 'release') return outcome !== 'done';
  return (
    (kind === 'abort' || kind === 'resume') && (outcome === 'refused' || outcome === 'ambiguous')
  );
}

function commandOf(draft: Draft, vm: VmRecord): Command | null {
  const { operation, permit } = vm;
  if (operation === null || permit === null) return null;
  switch (operation.kind) {
    case 'start':
      return { kind: 'start', operation: operation.id, permit, spec: vm.spec };
    case 'permit':
    case 'resume':
      return {
        kind: operation.kind,
        operation: operation.id,
        permit,
        previousToken: operation.previousToken,
      };
    case 'release':
      return {
        kind: 'release',
        operation: operation.id,
        vm: vm.id,
        incarnation: permit.incarnation,
        // That of a migration that came to nothing may be newer than the owner's.
        token: vm.lastToken,
        graceMs: operation.force ? 0 : draft.state.settings.shutdownGraceMs,
      };
    default:
      return operation.kind satisfies never;
  }
}

/** Domains without a right on incarnations that wait for admission are stopped there. */
function leftoverCommands(draft: Draft): readonly AddressedCommand[] {
  const commands: AddressedCommand[] = [];
  for (const node of draft.state.nodes.values()) {
    const seen = draft.observations.nodes.get(node.id);
    if (seen?.incarnation == null || !seen.sessionOpen || draft.isChanged(node)) continue;
    if (isLost(seen, draft.observations, draft.state.settings.timing)) continue;
    const { id: incarnation } = seen.incarnation;
    const unwanted = [
      // One that lost its right here by this very decision waits until that is committed.
      ...leftoversOn(draft, node, seen)
        .filter((vm) => !draft.isChanged(vm))
        .map((vm) => ({ vm: vm.id, token: vm.lastToken })),
      ...movedAwayFrom(draft, node, seen),
      ...forgottenOn(draft, seen),
    ];
    for (const { vm, token } of unwanted) {
      const operation = operationId(`leftover/${vm}/${incarnation}/${token}`);
      if (!isDue(draft, 'release', draft.observations.commands.get(operation))) continue;
      commands.push({
        node: node.id,
        incarnation,
        command: { kind: 'release', operation, vm, incarnation, token, graceMs: 0 },
      });
    }
  }
  return commands;
}

/** Definitions that a node kept of VMs that were migrated away: the next owner's is another by now. */
function movedAwayFrom(
  draft: Draft,
  node: NodeRecord,
  seen: NodeObservation,
): readonly { readonly vm: VmId; readonly token: Token }[] {
  if (seen.report?.domains == null || seen.report.incarnation !== node.incarnation?.id) return [];
  const left: { vm: VmId; token: Token }[] = [];
  for (const domain of seen.report.domains.values()) {
    if (domain.active || domain.reason !== 'migrated') continue;
    const vm = draft.vm(domain.vm);
    if (vm === undefined || vm.permit === null || draft.isChanged(vm)) continue;
    const isElsewhere = vm.permit.node !== node.id && vm.phase === 'running';
    if (isElsewhere && vm.desired !== 'ignored') left.push({ vm: vm.id, token: vm.lastToken });
  }
  return left;
}

/**
 * Definitions that a node kept of VMs that were deleted while it was away: inactive, and with a
 * permit in them, so Kennel made them. They would keep the VM's name from the next one that bears it.
 */
function forgottenOn(
  draft: Draft,
  seen: NodeObservation,
): readonly { readonly vm: VmId; readonly token: Token }[] {
  if (seen.report?.domains == null || seen.report.incarnation !== seen.incarnation?.id) return [];
  const forgotten: { vm: VmId; token: Token }[] = [];
  for (const { vm, active, permit } of seen.report.domains.values()) {
    if (active || permit === null || draft.vm(vm) !== undefined) continue;
    // At least the last token that the VM had: that of the domain may be older.
    const last = draft.counters().token;
    forgotten.push({ vm, token: permit.token > last ? permit.token : last });
  }
  return forgotten;
}

/** The executions that must be running: one for every committed operation without a proof. */
export function fenceRequestsFor(draft: Draft): readonly FenceRequest[] {
  const requests: FenceRequest[] = [];
  for (const fence of draft.state.fences.values()) {
    if (fence.phase !== 'intent' && fence.phase !== 'acting') continue;
    const now = draft.fence(fence.id);
    if (now === undefined || (now.phase !== 'intent' && now.phase !== 'acting')) continue;
    const node = draft.state.nodes.get(fence.node);
    if (node === undefined) continue;
    // All of a level must read Off, so one liar makes it worthless.
    const trusted = node.fenceTopology
      .map((level, index) => ({ ...level, number: index + 1 }))
      .filter(({ devices }) => !devices.some(({ id }) => fence.distrusted.includes(id)));
    requests.push({
      fence: fence.id,
      node: node.id,
      levels: trusted,
      level: fence.level,
      told: fence.told,
      mayAct: fence.phase === 'acting' && !isAnotherBootHeard(draft, fence),
    });
  }
  return requests;
}

/** The machine seems to have rebooted: what remains to be proven needs no command against it. */
function isAnotherBootHeard(draft: Draft, fence: FenceOperation): boolean {
  const seen = draft.observations.nodes.get(fence.node);
  if (seen?.incarnation == null || !seen.sessionOpen) return false;
  if (seen.incarnation.bootId === fence.incarnation.bootId) return false;
  return !isLost(seen, draft.observations, draft.state.settings.timing);
}
