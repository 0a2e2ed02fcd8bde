import type { NodeId } from './ids.ts';

/** What a person wants of a snapshot. */
export const snapshotWishes = ['create', 'revert', 'delete'] as const;
export type SnapshotWish = (typeof snapshotWishes)[number];

/** The same as calls to the owner: what a call was stays in the record beside those to a guest. */
export const snapshotVerbs = ['snapshot', 'revert', 'deleteSnapshot'] as const;
export type SnapshotVerb = (typeof snapshotVerbs)[number];

export const verbOfWish = {
  create: 'snapshot',
  revert: 'revert',
  delete: 'deleteSnapshot',
} as const satisfies Record<SnapshotWish, SnapshotVerb>;

export function isSnapshotVerb(verb: string): verb is SnapshotVerb {
  return (snapshotVerbs as readonly string[]).includes(verb);
}

/**
 * The disks and the memory of a VM at one moment, kept inside its disks. This record is the list of them:
 * libvirt's own is one node's, and dies with the definition there.
 */
export interface VmSnapshot {
  readonly name: string;
  readonly by: string;
  /** ISO wall-clock. */
  readonly at: string;
  /** Where it ran then: memory fits the processor that it was taken of. */
  readonly node: NodeId;
  readonly note: string | null;
  /** `unsure`: the owner did not say whether it was made, or deleted. It can be deleted in any case. */
  readonly state: 'making' | 'ready' | 'deleting' | 'unsure';
}

/** Each holds as much of its disks as the guest has memory. */
export const snapshotsKept = 16;
