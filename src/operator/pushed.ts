import type { z } from 'zod';
import type { Condition } from '../api/schema/kubernetes/conditions.ts';
import type { Outcome, Problem, ProblemCode } from '../core/problem.ts';
import { refusalOf, type Reason, type Verdict } from './conditions.ts';
import { again, done, type Reconciled } from './kube/controller.ts';
import type { KubeObject } from './kube/kube-api.ts';

/** Whether Kennel has taken what an object says. */
export type Sync = Pick<Verdict, 'status' | 'reason' | 'message'>;

/** What became of bringing an object's wish to Kennel, and when it is looked at again. */
export interface Pushed {
  readonly sync: Sync;
  readonly next: Reconciled;
}

/** While something is under way that no event may tell of. */
export const followUpMs = 1000;
/** After an answer of the managers that another try may change. */
export const refusedMs = 30_000;

/** Nothing was decided: the managers, or the leader among them, were not reached. */
const unreached: ReadonlySet<ProblemCode> = new Set([
  'E_UNAVAILABLE',
  'E_AMBIGUOUS',
  'E_TIMEOUT',
  'E_NOT_LEADER',
  'E_STORE_READ_ONLY',
]);

export const accepted: Sync = { status: 'True', reason: 'Accepted', message: '' };

export const refused = (reason: Reason, message: string): Sync => ({
  status: 'False',
  reason,
  message,
});

export const notReached = (message: string): Pushed => ({
  sync: { status: 'Unknown', reason: 'ManagersUnavailable', message },
  next: again(followUpMs),
});

/** People may command what an object has a word for too; who spoke last decides. */
export const changedElsewhere = (what: string): Pushed => ({
  sync: refused('ChangedElsewhere', `${what}; the next change of the object decides`),
  next: done,
});

/** A server without CEL has let it through. */
export function invalidSpec({ issues }: z.ZodError): Pushed {
  const message = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return { sync: refused('InvalidSpec', message), next: done };
}

export const isUnreached = ({ code }: Problem): boolean => unreached.has(code);

export function afterProblem(answer: Extract<Outcome<unknown>, { kind: 'problem' }>): Pushed {
  const { problem } = answer;
  return isUnreached(problem)
    ? notReached(said(problem))
    : { sync: refused(refusalOf(problem.code), said(problem)), next: again(refusedMs) };
}

export const said = ({ what, because }: Problem): string => `${what}: ${because}`;

/** Whether this generation of the object was taken before: then who changed things since was somebody else. */
export function wasTaken({ metadata: { generation }, status }: KubeObject): boolean {
  const { conditions } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
  const synced = conditions?.find((condition) => condition.type === 'Synced');
  const isTaken = synced?.status === 'True' || synced?.reason === 'ChangedElsewhere';
  return isTaken && synced.observedGeneration === generation;
}
