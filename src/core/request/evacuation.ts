import type { Draft } from '../decide/draft.ts';
import { isLeaving, putDowntime, resolvePolicy } from '../decide/downtime.ts';
import { isAdmitted } from '../decide/ownership.ts';
import { evacuationProgress, type EvacuationProgress } from '../explain/evacuation.ts';
import type { DowntimeKind, NodeEvacuation, ShutdownPolicy } from '../model/evacuation.ts';
import type { NodeRecord } from '../model/node.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import { capacityProblem } from './capacity.ts';
import { quorumProblem } from './manager-quorum.ts';

/** No new VMs; what runs there stays. */
export function cordon(draft: Draft, node: NodeRecord): Outcome<NodeRecord> {
  if (node.cordoned) return ok(node);
  const next = { ...node, cordoned: true };
  draft.put(next);
  const lacking = capacityProblem(draft, `${node.id} is not cordoned`);
  if (lacking !== null) return problem(lacking);
  tell(draft, next, 'NODE_CORDONED', 'gets no new VMs');
  return ok(next);
}

/** Takes VMs again, and ends a drain: what is being moved away stays, what has left does not come back. */
export function uncordon(draft: Draft, node: NodeRecord): Outcome<NodeRecord> {
  if (node.evacuation !== undefined && node.evacuation.kind !== 'drain') {
    return problem(
      conflict(node, 'is not uncordoned', 'it is in maintenance', [
        `kennel node maintenance exit ${node.id}`,
      ]),
    );
  }
  if (!node.cordoned && node.evacuation === undefined) return ok(node);
  const { evacuation: _, ...rest } = node;
  const next = { ...rest, cordoned: false };
  draft.put(next);
  tell(draft, next, 'NODE_UNCORDONED', 'takes VMs again');
  return ok(next);
}

export interface EvacuationWish extends Pick<
  NodeEvacuation,
  'stuck' | 'deadline' | 'by' | 'reason'
> {
  /** Refused unless every VM can be moved, as far as is known. */
  readonly allOrNothing: boolean;
  /** Although VMs would have no place, failover no room, or the managers no quorum. */
  readonly force: boolean;
}

/**
 * Wants a node empty. What stands against it is said before anything is recorded; what comes up later
 * is said for each VM that is still there. Asked again, the newer wish counts.
 */
export function evacuate(
  draft: Draft,
  node: NodeRecord,
  kind: 'drain' | 'maintenance',
  wish: EvacuationWish,
): Outcome<NodeRecord> {
  const { stuck, deadline, by, reason } = wish;
  const since = node.evacuation?.since ?? draft.observations.nowWall;
  const next: NodeRecord = { ...node, evacuation: { kind, stuck, since, deadline, by, reason } };
  draft.put(next);
  const refused = refusal(draft, next, wish, kind === 'maintenance');
  if (refused !== null) return problem(refused);
  if (node.evacuation?.kind !== kind) {
    const what = kind === 'drain' ? 'is drained' : 'enters maintenance';
    tell(draft, next, kind === 'drain' ? 'NODE_DRAINED' : 'MAINTENANCE_ENTERED', what);
  }
  return ok(next);
}

/**
 * Ends maintenance, also while it begins: what is being moved away stays, and what was moved away comes
 * back, unless a person moved it meanwhile. Without effect when there is none.
 */
export function exitMaintenance(draft: Draft, node: NodeRecord): Outcome<NodeRecord> {
  if (node.evacuation?.kind === 'drain') {
    return problem(
      conflict(node, 'does not leave maintenance', 'it is drained, which is another wish', [
        `kennel node uncordon ${node.id}`,
      ]),
    );
  }
  if (node.evacuation === undefined && node.downtime === undefined) return ok(node);
  if (isLeaving(node) && node.downtime?.isAsked === false) {
    return problem(
      conflict(node, 'does not leave maintenance', 'its operating system is going down', [
        'shutdown -c, on the node',
      ]),
    );
  }
  const { evacuation: _, downtime: __, ...next } = node;
  draft.put(next);
  tell(draft, next, 'MAINTENANCE_EXITED', 'leaves maintenance');
  return ok(next);
}

export interface DowntimeWish extends EvacuationWish {
  /** Null = as the cluster's setting says. */
  readonly policy: ShutdownPolicy | null;
}

/** Wants the machine rebooted or off, its VMs cared for before. It is told when that is so. */
export function goDown(
  draft: Draft,
  node: NodeRecord,
  kind: DowntimeKind,
  wish: DowntimeWish,
): Outcome<NodeRecord> {
  const verb = kind === 'reboot' ? 'rebooted' : 'shut down';
  if (node.incarnation === null || !isAdmitted(node)) {
    const because = `it is ${node.phase}, so nobody there can be told`;
    return problem(
      conflict(node, `is not ${verb}`, because, [
        `kennel explain ${node.id}`,
        `kennel node power-on ${node.id}`,
      ]),
    );
  }
  const { stuck, deadline, by, reason } = wish;
  const policy = resolvePolicy(wish.policy ?? draft.state.settings.shutdownPolicy, kind);
  const since = draft.observations.nowWall;
  const asked: NodeRecord =
    policy === 'migrate' && node.evacuation === undefined
      ? { ...node, evacuation: { kind: 'shutdown', stuck, since, deadline, by, reason } }
      : node;
  const next = putDowntime(draft, asked, { kind, policy, isAsked: true });
  const refused = refusal(draft, next, wish, true);
  return refused === null ? ok(next) : problem(refused);
}

/**
 * Why the node is not to be emptied; it is marked as if it were, in the draft. A person may overrule it,
 * and has to say why (FAILURES O2).
 */
function refusal(
  draft: Draft,
  node: NodeRecord,
  wish: EvacuationWish,
  goesAway: boolean,
): Problem | null {
  if (wish.force && wish.reason !== null) return null;
  const what = `${node.id} is not emptied`;
  const refused =
    (goesAway ? quorumProblem(draft, node, what) : null) ??
    placeProblem(node, evacuationProgress(draft, node), wish) ??
    capacityProblem(draft, what);
  if (refused === null || !wish.force) return refused;
  return { ...refused, try: ['the same with --force and --reason: an override has to say why'] };
}

function placeProblem(
  node: NodeRecord,
  { steps }: EvacuationProgress,
  { allOrNothing }: EvacuationWish,
): Problem | null {
  const stuck = steps.filter(
    (step) =>
      (step.state === 'waits' && step.to === null) || (allOrNothing && step.state === 'stays'),
  );
  const [first] = stuck;
  if (first === undefined) return null;
  const others = stuck.length === 1 ? '' : ` (and ${stuck.length - 1} more)`;
  return {
    code: 'E_CAPACITY',
    what: `${node.id} is not emptied`,
    because: `${first.name} would have to stay: ${first.because}${others}`,
    so: 'nothing was changed',
    try: [
      `kennel plan evacuate ${node.id}`,
      'stop a VM, or add a node or memory',
      'the same with --force --reason "...": what has no place stays there for now, and each says why',
    ],
  };
}

function conflict(
  node: NodeRecord,
  what: string,
  because: string,
  steps: readonly string[],
): Problem {
  return {
    code: 'E_CONFLICT',
    what: `${node.id} ${what}`,
    because,
    so: 'nothing was changed',
    try: steps,
  };
}

function tell(draft: Draft, { id }: NodeRecord, code: string, what: string): void {
  draft.event({ code, severity: 'info', node: id, vm: null, text: `${id} ${what}` });
}
