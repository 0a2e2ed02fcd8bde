import type { OperationId, Token } from './ids.ts';
import { snapshotVerbs, type SnapshotVerb } from './vm-snapshot.ts';

/**
 * What a person can have done to a VM that runs, once. `pause` lets its guest stand still, with its
 * memory and its permit; `resume` lets it go on; `reset` is the reset button; `reboot` asks the guest.
 */
export const actionVerbs = ['pause', 'resume', 'reset', 'reboot'] as const;
export type ActionVerb = (typeof actionVerbs)[number];

/** All that the owner of a VM that runs is asked for once. */
export const askedVerbs = [...actionVerbs, ...snapshotVerbs] as const;
export type AskedVerb = (typeof askedVerbs)[number];

/** Calls that are made once each: to a guest, or of a record alone. */
export const calledVerbs = [...askedVerbs, 'restart', 'rename', 'clone'] as const;
export type CalledVerb = (typeof calledVerbs)[number];

/** A verb as the beginning of `… of VM db-1`. */
export function verbText(verb: CalledVerb): string {
  return verb === 'deleteSnapshot' ? 'deleting a snapshot' : verb;
}

/** What the owner is asked for: a verb, and the snapshot that it is about. */
export type AskedOfOwner =
  | { readonly verb: ActionVerb; readonly snapshot?: undefined }
  | { readonly verb: SnapshotVerb; readonly snapshot: string };

/** Asked of the owner, and not answered yet. */
export type VmAction = AskedOfOwner & {
  readonly operation: OperationId;
  /** The client's own name for the call: the same one again is the same call. */
  readonly request: string;
  /** The permit that it was asked under. Under another one it is not asked any more. */
  readonly token: Token;
  readonly by: string;
};

/** What became of a call. `unknown`: it may have had its effect, or not, and has none from now on. */
export interface VmActed {
  readonly request: string;
  readonly verb: CalledVerb;
  /** The one that it was about; absent = none. */
  readonly snapshot?: string | undefined;
  readonly by: string;
  /** ISO wall-clock. */
  readonly at: string;
  readonly outcome: 'done' | 'failed' | 'unknown';
  /** Why it is not `done`. */
  readonly detail: string | null;
}

/** Calls that are remembered, so that a repeated one is not carried out again. */
export const actedKept = 8;
