import type { BootId } from './ids.ts';

/**
 * Why a node is emptied. `drain`: it gets no VMs until it is uncordoned, and its VMs stay where they
 * went. `maintenance`: they return when it ends. `shutdown`: as maintenance, begun by the node's own
 * shutdown and ended by its next boot.
 */
export type EvacuationKind = 'drain' | 'maintenance' | 'shutdown';

/** What becomes of a VM that does not go live: it is shut down and started elsewhere, or it stays. */
export type StuckPolicy = 'restart' | 'leave';

/** The wish that no VM runs on a node. Whether it is fulfilled is seen, not recorded. */
export interface NodeEvacuation {
  readonly kind: EvacuationKind;
  readonly stuck: StuckPolicy;
  /** ISO, wall clock. */
  readonly since: string;
  /** From then on nothing more is moved, and the node stays closed; ISO, null = never. */
  readonly deadline: string | null;
  readonly by: string | null;
  readonly reason: string | null;
}

/** What becomes of the VMs of a node that goes down by its own will; `conditional` is one of two of them. */
export type DowntimePolicy = 'freeze' | 'failover' | 'migrate';
export type ShutdownPolicy = DowntimePolicy | 'conditional';

export type DowntimeKind = 'reboot' | 'shutdown';

/**
 * A boot of a node that is about to end, as its agent announced or a person asked. Exit: another boot of
 * the node takes VMs again, the same one says that it stays, or `kennel node maintenance exit`.
 */
export interface NodeDowntime {
  readonly kind: DowntimeKind;
  readonly policy: DowntimePolicy;
  readonly bootId: BootId;
  readonly since: string;
  /** The node is told to go down, once it may; false = it does so by itself. */
  readonly isAsked: boolean;
}
