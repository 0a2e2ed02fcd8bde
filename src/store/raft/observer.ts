import type { Entry } from '../../raft/types.ts';
import type { StateMachine } from '../state-machine.ts';

/**
 * What one member does, told at the instant it happens, for whoever looks on from outside and sees
 * all members (the simulator). Called synchronously; must not call back.
 */
export interface RaftObserver {
  /** The state is that of a snapshot: its own at the start (index 0: none), or one of a peer. */
  restored(from: 'disk' | 'peer', index: number, machine: StateMachine): void;
  /** These are on their way to the disk. Ends with `durable`, in the order of the calls. */
  appending(append: {
    readonly entries: readonly Entry[];
    /** A term or a vote that the disk does not hold yet. */
    readonly vote: boolean;
  }): void;
  durable(): void;
  applied(entry: Entry): void;
  elected(term: number): void;
  /** Every step, in the form of `src/raft/trace.ts`. Absent: nobody listens, and it costs nothing. */
  readonly trace?: (event: object) => void;
}
