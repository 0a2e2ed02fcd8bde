import type { Draft } from '../decide/draft.ts';
import { armed, type ArmingRecord, type Disarmed } from '../model/arming.ts';
import type { VmRecord } from '../model/vm.ts';
import { ok, problem, type Outcome } from '../problem.ts';

/**
 * From its commit on nothing begins by itself. What has begun, a device command for one, runs to its end;
 * a move that a person asked for and that has not begun is not wanted any more.
 */
export function disarm(draft: Draft, disarmed: Disarmed): Outcome<ArmingRecord> {
  const before = draft.arming().disarmed;
  // Left alone, VMs may be anywhere; frozen, they are taken for what the records say.
  if (before?.mode === 'ignore' && disarmed.mode === 'freeze') {
    return problem({
      code: 'E_CONFLICT',
      what: 'the cluster is not frozen',
      because: 'it is disarmed already, and its VMs are left to people',
      so: 'nothing was changed',
      try: ['kennel arm, then kennel disarm --mode freeze'],
    });
  }
  const next: ArmingRecord = { kind: 'arming', disarmed };
  draft.put(next);
  for (const vm of draft.vms()) if (!draft.isFull()) dropWaitingMove(draft, vm);
  const end = disarmed.until === null ? 'until a person arms it' : `until ${disarmed.until}`;
  tell(draft, 'CLUSTER_DISARMED', `disarmed (${disarmed.mode}) ${end}: nothing begins by itself`);
  return ok(next);
}

function dropWaitingMove(draft: Draft, vm: VmRecord): void {
  const { move, phase, operation, spec } = vm;
  const isWaiting = move?.migration === null && phase === 'running' && operation === null;
  if (move === null || !isWaiting || move.cause !== undefined) return;
  draft.put({ ...vm, move: null, reason: null });
  draft.event({
    code: 'VM_MOVE_DROPPED',
    severity: 'info',
    node: move.from,
    vm: vm.id,
    text: `${spec.name} stays on ${move.from}: the cluster was disarmed before it was moved`,
  });
}

/** Without effect when it is armed. */
export function arm(draft: Draft): Outcome<ArmingRecord> {
  if (draft.arming().disarmed === null) return ok(armed);
  draft.put(armed);
  tell(draft, 'CLUSTER_ARMED', 'armed: nodes are fenced and VMs recovered by themselves again');
  return ok(armed);
}

function tell(draft: Draft, code: string, text: string): void {
  draft.event({ code, severity: 'warning', node: null, vm: null, text });
}
