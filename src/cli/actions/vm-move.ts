import type { MoveVm } from '../../api/schema/requests.ts';
import type { VmView } from '../../api/schema/views.ts';
import type { Problem } from '../../core/problem.ts';
import { defaultMigrationLimits } from '../../core/model/move.ts';
import type { Change } from '../change-options.ts';
import { runChange, type Goal } from '../change.ts';
import type { Call } from '../command.ts';
import { usageError } from '../usage.ts';
import { describeVm } from '../vm-goals.ts';

interface MigrateOptions extends Change {
  readonly to: string | null;
  readonly cancel: boolean;
  readonly orRestart: boolean;
  readonly bandwidth: number | null;
  readonly noAutoConverge: boolean;
  readonly deadline: number;
  readonly despiteRules: boolean;
}

export async function migrateVm(call: Call, vm: string, options: MigrateOptions): Promise<number> {
  const { to, cancel, orRestart, bandwidth, noAutoConverge, deadline, despiteRules } = options;
  if (!cancel) {
    const limits = {
      bandwidthMiBs: bandwidth,
      autoConverge: !noAutoConverge,
      deadlineMs: deadline,
    };
    const way = orRestart ? 'liveOrCold' : 'live';
    return move(call, vm, options, { to, way, limits, despiteNodeRules: despiteRules });
  }
  if (to !== null) {
    throw usageError({
      what: '--to and --cancel do not go together',
      because: 'a VM that is not moved goes nowhere',
      try: [`kennel vm migrate ${vm} --cancel`],
    });
  }
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.cancelMove(vm, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: ${isDryRun ? 'would stay' : 'is to stay'} (${describeVm(view)})`,
    goal: whenSettled(vm, true),
  });
}

export async function relocateVm(
  call: Call,
  vm: string,
  options: Change & { readonly to: string | null; readonly despiteRules: boolean },
): Promise<number> {
  const { to, despiteRules } = options;
  const body = { to, way: 'cold', limits: defaultMigrationLimits } as const;
  return move(call, vm, options, { ...body, despiteNodeRules: despiteRules });
}

function move(call: Call, vm: string, options: Change, body: MoveVm): Promise<number> {
  const where = body.to ?? 'another node';
  return runChange(call, options, {
    question:
      body.way === 'cold'
        ? { question: `VM ${vm} is shut down and started on ${where}.`, typed: null }
        : null,
    apply: (client, how) => client.moveVm(vm, body, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: ${isDryRun ? 'would go' : 'goes'} to ${where} (${describeVm(view)})`,
    goal: whenSettled(vm, false),
  });
}

/** Nothing of it is under way any more. A VM that was to move and stayed is a failure. */
function whenSettled(vm: string, mayStay: boolean): Goal<VmView, VmView> {
  return {
    what: `VM ${vm} ${mayStay ? 'settled' : 'moved'}`,
    lookWith: `kennel explain ${vm}`,
    look: (client) => client.vm(vm),
    judge: (seen, before) => {
      if (seen.kind === 'problem') return { kind: 'lost', problem: seen.problem };
      const view = seen.value;
      const isSettled = view.move === null && ['running', 'stopped'].includes(view.state);
      if (!isSettled) return { kind: 'pending', state: describeVm(view) };
      const stayed = view.node !== null && view.node === before.node;
      if (mayStay || !stayed) return { kind: 'reached', value: view };
      return { kind: 'lost', problem: stayedProblem(view) };
    },
    reached: `vm ${vm}: ${mayStay ? 'nothing of a move is under way' : 'runs there'}`,
  };
}

function stayedProblem(view: VmView): Problem {
  return {
    code: 'E_CONFLICT',
    what: `VM ${view.name} was not moved`,
    because: view.reason ?? 'no reason is recorded',
    so: `it runs on ${view.node} as before`,
    try: [`kennel events --vm ${view.name} --last 10`, `kennel vm relocate ${view.name}`],
  };
}
