import type { Raft } from './raft.ts';

/** Placeholder until the trace facts are written. */
export function traceEvent(raft: Raft, name: string, extra: object = {}): void {
  raft.config.trace?.({ name, ...extra });
}
