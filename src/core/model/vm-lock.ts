import type { NodeId, OperationId } from './ids.ts';

/**
 * What a VM is locked for. All but `create` and `hold` are the work of the node that runs the VM, or of
 * something that it serves, and die with it; `create` is a VM half made, and `hold` a person's word.
 */
export const lockKinds = [
  'backup',
  'snapshot',
  'rollback',
  'clone',
  'migrate',
  'suspend',
  'create',
  'hold',
] as const;
export type LockKind = (typeof lockKinds)[number];

/**
 * Somebody works on a VM from outside: while it is locked it is not started, not moved and not restarted.
 * What runs goes on, and a person may stop it.
 */
export interface VmLock {
  readonly kind: LockKind;
  readonly by: string;
  /** ISO wall-clock. */
  readonly at: string;
  readonly reason: string | null;
  /** Who owned the VM then: a lock of a kind that dies with its node ends when that is proven dead. */
  readonly node: NodeId | null;
  /** The action that it is for, and ends with; absent: somebody outside made it. */
  readonly operation?: OperationId | undefined;
}

export function endsWithNode(kind: LockKind): boolean {
  return kind !== 'create' && kind !== 'hold';
}

/** Why a VM waits that would be started or moved. */
export function lockedText({ kind, by, at, reason }: VmLock): string {
  const why = reason === null ? '' : `: ${reason}`;
  return `it is locked (${kind}) by ${by} since ${at}${why}`;
}
