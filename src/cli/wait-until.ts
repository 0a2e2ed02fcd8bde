import { problem } from '../core/problem.ts';
import type { Outcome, Problem } from '../core/problem.ts';
import { delay } from './delay.ts';
import { formatDuration } from './duration.ts';
import type { CliEnv } from './world.ts';

/** What one look at the cluster says about the goal. */
export type Verdict<T> =
  | { readonly kind: 'reached'; readonly value: T }
  /** Not yet; `state` is what a person is told when time runs out. */
  | { readonly kind: 'pending'; readonly state: string }
  /** It will never be reached. */
  | { readonly kind: 'lost'; readonly problem: Problem };

const pollMs = 500;

/**
 * Looks again and again until the goal is seen. Time is only a bound: when it runs out the
 * answer is `E_TIMEOUT`, and what was asked for goes on. A manager that does not answer for a
 * while (a change of leader) is not a failure as long as there is time.
 */
export async function waitUntil<V, T>(
  env: Pick<CliEnv, 'clock' | 'timers'>,
  goal: {
    /** What is waited for, as in "db-1 running". */
    readonly what: string;
    /** Command that shows how it goes on. */
    readonly lookWith: string;
    readonly timeoutMs: number;
    /** End of a wait that several goals share; by itself, `timeoutMs` from now. */
    readonly deadlineMs?: number;
    readonly look: () => Promise<Outcome<V>>;
    readonly judge: (view: Outcome<V>) => Verdict<T>;
  },
): Promise<Outcome<T>> {
  const deadlineMs = goal.deadlineMs ?? env.clock.monotonicMs() + goal.timeoutMs;
  for (;;) {
    const verdict = patient(goal.judge, await goal.look());
    switch (verdict.kind) {
      case 'reached':
        return { kind: 'ok', value: verdict.value };
      case 'lost':
        return problem(verdict.problem);
      case 'pending':
        break;
    }
    const leftMs = deadlineMs - env.clock.monotonicMs();
    if (leftMs <= 0) {
      return problem({
        code: 'E_TIMEOUT',
        what: `${goal.what} was not seen within ${formatDuration(goal.timeoutMs)}`,
        because: verdict.state,
        so: 'the operation goes on',
        try: [goal.lookWith, 'the same wait with a longer --timeout'],
      });
    }
    await delay(env.timers, Math.min(pollMs, leftMs));
  }
}

function patient<V, T>(judge: (view: Outcome<V>) => Verdict<T>, view: Outcome<V>): Verdict<T> {
  if (view.kind === 'problem' && isPassing(view.problem)) {
    return { kind: 'pending', state: `${view.problem.what}: ${view.problem.because}` };
  }
  return judge(view);
}

function isPassing(problemSeen: Problem): boolean {
  return (
    problemSeen.code === 'E_UNAVAILABLE' ||
    problemSeen.code === 'E_NOT_LEADER' ||
    problemSeen.code === 'E_TIMEOUT'
  );
}

/** A judge that takes every problem as final and asks `judgeValue` about values. */
export function onValue<V, T>(
  judgeValue: (value: V) => Verdict<T>,
): (view: Outcome<V>) => Verdict<T> {
  return (view) =>
    view.kind === 'ok' ? judgeValue(view.value) : { kind: 'lost', problem: view.problem };
}

/** The goal of removals: the object is not found any more. */
export function untilGone<V>(describe: (value: V) => string): (view: Outcome<V>) => Verdict<null> {
  return (view) => {
    if (view.kind === 'ok') return { kind: 'pending', state: describe(view.value) };
    if (view.problem.code === 'E_NOT_FOUND') return { kind: 'reached', value: null };
    return { kind: 'lost', problem: view.problem };
  };
}
