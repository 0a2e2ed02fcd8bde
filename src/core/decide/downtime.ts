import type { DowntimePolicy, NodeDowntime, ShutdownPolicy } from '../model/evacuation.ts';
import type { NodeRecord } from '../model/node.ts';
import type { NodeObservation } from '../observations.ts';
import type { Departure } from '../plan.ts';
import { silentSinceMs } from '../timing/silence.ts';
import { closedBecause } from './closed-nodes.ts';
import type { Draft } from './draft.ts';
import { isHeard } from './nodes.ts';
import { heldVmsOf, incomingVmsOf, isAdmitted } from './ownership.ts';
import { straysOn } from './strays.ts';

/** It said that it goes down, or is told to, and this boot of it still runs. */
export function isLeaving({ downtime, incarnation }: NodeRecord): boolean {
  return downtime !== undefined && downtime.bootId === incarnation?.bootId;
}

/** Its silence is no loss as long as it holds no VM. */
export function isSetAside({ downtime, evacuation }: NodeRecord): boolean {
  return downtime !== undefined || (evacuation !== undefined && evacuation.kind !== 'drain');
}

/** No VM of the cluster runs on this incarnation, is copied to it, or was seen there unpermitted. */
export function isEmptied(draft: Draft, node: NodeRecord): boolean {
  const { incarnation } = node;
  const holdsNone = incarnation === null || heldVmsOf(draft, incarnation.id).length === 0;
  return holdsNone && expectsNone(draft, node);
}

/** What it still holds is ignored, and for nobody but people to move. */
function isLeftToPeople(draft: Draft, node: NodeRecord): boolean {
  const { incarnation } = node;
  const held = incarnation === null ? [] : heldVmsOf(draft, incarnation.id);
  return held.every((vm) => vm.desired === 'ignored') && expectsNone(draft, node);
}

/** Nothing is copied to it, and nothing was seen there unpermitted. */
function expectsNone(draft: Draft, { id, incarnation }: NodeRecord): boolean {
  if (incarnation === null) return true;
  return (
    incomingVmsOf(draft, incarnation.id).length === 0 &&
    straysOn(draft, id, incarnation.bootId).length === 0
  );
}

/**
 * VMs that it still holds are frozen: they wait for its next boot. What a `migrate` could not move in
 * time waits for a reboot, and is recovered after a shutdown.
 */
export function freezes({ kind, policy }: NodeDowntime): boolean {
  return policy === 'freeze' || (policy === 'migrate' && kind === 'reboot');
}

/** It is silent as it said it would be, so that nothing is done about it yet. */
export function isAwaited(draft: Draft, node: NodeRecord): boolean {
  const { downtime } = node;
  if (downtime === undefined || !freezes(downtime)) return false;
  if (downtime.kind === 'shutdown') return true;
  const seen = draft.observations.nodes.get(node.id);
  const dueMs = silentSinceMs(seen, draft.observations) + draft.state.settings.rebootPatienceMs;
  if (draft.observations.nowMs >= dueMs) return false;
  draft.wakeAt(dueMs);
  return true;
}

export function resolvePolicy(policy: ShutdownPolicy, kind: NodeDowntime['kind']): DowntimePolicy {
  if (policy !== 'conditional') return policy;
  return kind === 'reboot' ? 'freeze' : 'failover';
}

/** Notes which nodes are about to go down, and forgets it when they stay or are back. */
export function decideDowntimes(draft: Draft): void {
  for (const node of draft.nodes()) {
    if (draft.isFull()) return;
    const { downtime, incarnation } = node;
    if (incarnation === null || !isAdmitted(node)) continue;
    if (downtime !== undefined && downtime.bootId !== incarnation.bootId) {
      decideReturn(draft, node);
      continue;
    }
    const leaving = announcedBy(draft, node);
    if (leaving === undefined) continue;
    if (leaving !== null && downtime === undefined) goesDown(draft, node, leaving);
    if (leaving === null && downtime !== undefined && !downtime.isAsked) staysUp(draft, node);
  }
}

/** What the admitted incarnation says, null = it is to run on; undefined = it is not heard. */
function announcedBy(
  draft: Draft,
  { id, incarnation }: NodeRecord,
): NodeDowntime['kind'] | null | undefined {
  const seen: NodeObservation | undefined = draft.observations.nodes.get(id);
  if (!isHeard(draft, seen) || seen.incarnation?.id !== incarnation?.id) return undefined;
  const { report } = seen;
  if (report === null || report.incarnation !== incarnation?.id) return undefined;
  return report.leaving;
}

function goesDown(draft: Draft, node: NodeRecord, kind: NodeDowntime['kind']): void {
  const policy = resolvePolicy(draft.state.settings.shutdownPolicy, kind);
  putDowntime(draft, node, { kind, policy, isAsked: false });
}

/** The node with its end recorded, and an evacuation of its own if its VMs are to be moved away. */
export function putDowntime(
  draft: Draft,
  node: NodeRecord,
  { kind, policy, isAsked }: Pick<NodeDowntime, 'kind' | 'policy' | 'isAsked'>,
): NodeRecord {
  if (node.incarnation === null) return node;
  const { bootId } = node.incarnation;
  const since = draft.observations.nowWall;
  const evacuation =
    policy === 'migrate'
      ? (node.evacuation ?? {
          kind: 'shutdown',
          stuck: 'leave',
          since,
          deadline: null,
          by: null,
          reason: `it is to ${kind === 'reboot' ? 'reboot' : 'shut down'}`,
        })
      : node.evacuation;
  const next: NodeRecord = {
    ...node,
    downtime: { kind, policy, bootId, since, isAsked },
    evacuation,
  };
  draft.put(next);
  tell(
    draft,
    next,
    'NODE_GOING_DOWN',
    `${kind === 'reboot' ? 'reboots' : 'shuts down'} (${policy})`,
  );
  return next;
}

/** Its shutdown was called off: this boot goes on. */
function staysUp(draft: Draft, node: NodeRecord): void {
  const { downtime: _, ...rest } = withoutOwnEvacuation(node);
  draft.put(rest);
  tell(draft, node, 'NODE_STAYS_UP', 'does not go down after all');
}

/**
 * Another boot of it is admitted. Its evacuation is over at once; its frozen VMs wait until they can be
 * started on it, or something lasting keeps them from it.
 */
function decideReturn(draft: Draft, node: NodeRecord): void {
  const own = withoutOwnEvacuation(node);
  const isBarred = node.phase === 'quarantined' || node.cordoned || own.evacuation !== undefined;
  const closed = isBarred ? null : closedBecause(draft, own);
  if (closed !== null) {
    if (own !== node) draft.put(own);
    return;
  }
  const { downtime: _, ...rest } = own;
  draft.put(rest);
  tell(draft, node, 'NODE_IS_BACK', 'is back');
}

function withoutOwnEvacuation(node: NodeRecord): NodeRecord {
  if (node.evacuation?.kind !== 'shutdown') return node;
  const { evacuation: _, ...rest } = node;
  return rest;
}

function tell(draft: Draft, { id }: NodeRecord, code: string, what: string): void {
  draft.event({ code, severity: 'info', node: id, vm: null, text: `${id} ${what}` });
}

/**
 * Nodes that may go down now, by what is committed: their VMs are frozen or to be recovered, or none is
 * left. One that was asked to is told what to do.
 */
export function departuresFor(draft: Draft): readonly Departure[] {
  const departures: Departure[] = [];
  for (const node of draft.state.nodes.values()) {
    const { downtime, incarnation } = node;
    if (downtime === undefined || incarnation === null) continue;
    if (!isLeaving(node) || !isAdmitted(node) || draft.isChanged(node)) continue;
    if (downtime.policy === 'migrate' && !isLeftToPeople(draft, node)) continue;
    const action = downtime.isAsked ? downtime.kind : null;
    departures.push({ node: node.id, incarnation: incarnation.id, action });
  }
  return departures;
}
