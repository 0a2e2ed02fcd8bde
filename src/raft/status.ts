import type { Membership } from './membership.ts';
import type { Progress } from './progress.ts';
import type { Raft } from './raft.ts';
import type { HardState, Id, SoftState } from './types.ts';

export interface Status {
  readonly id: Id;
  readonly hardState: HardState;
  readonly softState: SoftState;
  readonly applied: number;
  /** Whom leadership is being handed to. */
  readonly transferee: Id;
  readonly membership: Membership;
  /** By id, ascending; a leader's alone, empty on everybody else. Copies. */
  readonly progress: ReadonlyMap<Id, Progress>;
}

export function statusOf(raft: Raft): Status {
  const progress = new Map<Id, Progress>();
  if (raft.role === 'leader') {
    for (const [id, one] of raft.progress) progress.set(id, one.clone());
  }
  return {
    id: raft.id,
    hardState: raft.hardState(),
    softState: raft.softState(),
    applied: raft.log.applied,
    transferee: raft.transferee,
    membership: raft.membership,
    progress,
  };
}
