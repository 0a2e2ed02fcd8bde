import type { Outcome } from '../core/problem.ts';
import { confirm, valueOf, withClient } from './action.ts';
import type { Change } from './change-options.ts';
import type { ChangeOptions, Client } from '../client/client.ts';
import type { Call } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { isForPeople, print } from './output.ts';
import { waitUntil } from './wait-until.ts';
import type { Verdict } from './wait-until.ts';

/** What `--wait` waits for, once a change has been recorded. */
export interface Goal<V, L> {
  readonly what: string;
  readonly lookWith: string;
  look(client: Client, changed: V): Promise<Outcome<L>>;
  judge(view: Outcome<L>, changed: V): Verdict<unknown>;
  /** The line for people once the goal is reached. */
  readonly reached: string;
}

/** One change of the cluster, as a verb describes it. */
export interface ChangeSteps<V, L> {
  /** Null = nothing that hurts, nobody is asked. */
  readonly question: { readonly question: string; readonly typed: string | null } | null;
  apply(client: Client, options: ChangeOptions): Promise<Outcome<V>>;
  /** The lines for people: what has been recorded, or with `--dry-run` what would be. */
  describe(value: V, isDryRun: boolean): string;
  readonly goal: Goal<V, L> | null;
}

/** Asks, changes, prints, and waits: the same course for every verb that changes the cluster. */
export async function runChange<V, L>(
  call: Call,
  options: Change,
  steps: ChangeSteps<V, L>,
): Promise<number> {
  if (steps.question !== null) {
    const yes = options.yes || options.dryRun;
    if (!(await confirm(call, { ...steps.question, yes }))) return exitCodes.failed;
  }
  return withClient(call, async (client) => {
    const value = valueOf(
      await steps.apply(client, { dryRun: options.dryRun, reason: options.reason }),
    );
    await print(call, value, () => steps.describe(value, options.dryRun));
    if (options.wait && !options.dryRun && steps.goal !== null) {
      await waitForGoal(call, { client, changed: value, goal: steps.goal, options });
    }
    return exitCodes.done;
  });
}

async function waitForGoal<V, L>(
  call: Call,
  waiting: {
    readonly client: Client;
    readonly changed: V;
    readonly goal: Goal<V, L>;
    readonly options: Change;
  },
): Promise<void> {
  const { client, changed, goal, options } = waiting;
  const outcome = await waitUntil<L, unknown>(await call.world.env(), {
    what: goal.what,
    lookWith: goal.lookWith,
    timeoutMs: options.timeout,
    look: () => goal.look(client, changed),
    judge: (view) => goal.judge(view, changed),
  });
  valueOf(outcome);
  if (isForPeople(call)) call.world.terminal.write(`${goal.reached}\n`);
}
