import type { NodeId, VmId } from './ids.ts';

export type EventSeverity = 'info' | 'warning' | 'critical';

/** One line of the cluster's history. `code` is stable; `text` is for people. */
export interface ClusterEvent {
  readonly kind: 'event';
  readonly code: string;
  readonly severity: EventSeverity;
  readonly node: NodeId | null;
  readonly vm: VmId | null;
  readonly text: string;
  /** Who asked for it; null = nobody did, it follows from what is so. */
  readonly by: string | null;
  /** Why they said they did. */
  readonly reason: string | null;
  /** ISO wall-clock, for people; the order of events is the order of their keys. */
  readonly at: string;
}
