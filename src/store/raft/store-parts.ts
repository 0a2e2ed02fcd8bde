import type { Env } from '../../env/env.ts';
import type { SpaceGuard } from '../file/space-guard.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import type { RaftStoreLimits } from './limits.ts';
import type { LogStorage } from './log-storage.ts';
import type { RaftObserver } from './observer.ts';
import type { Replica } from './replica.ts';
import type { RaftTiming } from './timing.ts';

export type RaftStoreEnv = Pick<Env, 'clock' | 'timers' | 'random' | 'network' | 'disk' | 'log'>;

/** What `openRaftStore` has opened and read by the time that the store begins. */
export interface RaftStoreParts {
  readonly env: RaftStoreEnv;
  readonly directory: string;
  readonly clusterId: string;
  readonly self: { readonly number: number; readonly name: string };
  readonly log: SegmentedLog;
  readonly storage: LogStorage;
  readonly replica: Replica;
  readonly guard: SpaceGuard;
  readonly limits: RaftStoreLimits;
  readonly timing: RaftTiming;
  readonly isWitness: boolean;
  readonly applied: number;
  readonly observer: RaftObserver | null;
  /** The log is dead or cannot be read on: the process must end now, without another write. */
  readonly onFatal: (error: Error) => void;
  /** The first time that something of the others is durable here. */
  readonly onJoined: (() => void) | null;
  readonly unlock: () => Promise<void>;
}
