import type { Env } from '../../src/env/env.ts';
import type { Network } from '../../src/env/network.ts';
import type { AmbiguousEffect } from '../../src/store/memory/memory-cluster.ts';
import type { Membership } from '../../src/store/membership.ts';
import type { StateMachine } from '../../src/store/state-machine.ts';
import type { Store, Transaction, Write, WriteOutcome } from '../../src/store/store.ts';
import type { SimProcess } from './sim-process.ts';

/** One start of a manager's process, as its store has to know it. */
export interface StoreSeat {
  readonly manager: string;
  readonly env: Env;
  readonly process: SimProcess;
  /** The process must end now: the store cannot go on in it. */
  readonly onFatal: (error: Error) => void;
}

/** What a manager gets to start with. */
export interface StoreOfSeat {
  readonly store: Store;
  readonly membership: Membership;
  /** The network as the manager is to use it: members of a store may share its session port. */
  readonly network: Network;
}

/**
 * The store of a simulated cluster: what managers get of it, what checkers read of it, and what can
 * be done to the way there. Which one a cluster has is chosen in `SimCluster` alone.
 */
export interface SimStore {
  /** What is committed, for checkers. To be read only. */
  readonly machine: StateMachine;
  /** Whoever leads as the store has it; null = nobody. */
  readonly leader: string | null;
  /** Writes what is there before any manager runs. */
  prepare(writes: readonly Write[]): Promise<void>;
  /** The store for one start of a manager. Rejects when it is damaged. */
  open(seat: StoreSeat): Promise<StoreOfSeat>;
  /** One write in one step, past every client. Throws where a store has no such way in. */
  evaluate(transaction: Transaction): WriteOutcome;
  /** For a client beside the managers; null while there is no way to the store. */
  client(name: string): Store | null;

  /** When the write that made this revision was proposed; null = when it was committed. */
  proposedAtMs(revision: number): number | null;
  /** Managers that keep the store together with this one; none where managers are only clients. */
  peers(manager: string): readonly string[];

  /** Faults on the way to the store. A store without such a way takes no notice. */
  cut(client: string): void;
  heal(client: string): void;
  makeNextWriteAmbiguous(client: string, effect: AmbiguousEffect): void;
  /** Takes the leadership away, see `MemoryCluster.expire`. Says whether anything happened. */
  expire(candidate: string, options: { readonly tell: boolean }): boolean;
  /** No watch can look back beyond this moment. */
  forgetHistory(): void;
}
