import type { NetworkAddress } from '../../env/network.ts';
import { openLog, type SegmentedLog } from '../log/segmented-log.ts';
import { encodeState } from '../snapshot-codec.ts';
import { StateMachine } from '../state-machine.ts';
import { lockedDirectory, unknownMember, unknownVersion } from '../store-damaged.ts';
import { usualLimits, type RaftStoreLimits } from './limits.ts';
import { LogStorage } from './log-storage.ts';
import {
  checkNotEmpty,
  readIdentity,
  writeIdentity,
  type MemberIdentity,
} from './member-directory.ts';
import type { Member } from '../membership.ts';
import { onlyMember } from './members.ts';
import type { RaftObserver } from './observer.ts';
import { RaftStore } from './raft-store.ts';
import type { RaftStoreEnv } from './store-parts.ts';
import { Replica } from './replica.ts';
import { SpaceGuard } from '../file/space-guard.ts';
import { usualTiming, type RaftTiming } from './timing.ts';

export interface RaftStoreOptions {
  readonly env: RaftStoreEnv;
  /** Absolute path; belongs to this store alone. Made by `createStore` or `prepareMember`. */
  readonly directory: string;
  readonly clusterId: string;
  /** Where the other members are listened for; null = a store that has no others. */
  readonly listen: NetworkAddress | null;
  /**
   * A sync failed, so the page cache may lie, or the log cannot be carried on with: the process must
   * end now, without another write. Called once; the store answers nothing any more.
   */
  readonly onFatal: (error: Error) => void;
  readonly limits?: Partial<RaftStoreLimits>;
  readonly timing?: RaftTiming;
  /** No manager will ever want to lead here: it stands for election after all others. */
  readonly isWitness?: boolean;
  readonly observer?: RaftObserver;
}

/** Where a member keeps its log. */
export type MemberPlace = Pick<RaftStoreOptions, 'directory' | 'clusterId'> & {
  readonly env: Pick<RaftStoreEnv, 'disk' | 'log' | 'clock'>;
};

/** Index and term of the snapshot that every store begins with: its membership of one. */
const beginning = { index: 1, term: 1 } as const;

/**
 * Makes a new store with one member, in an empty directory; the only way in which a store comes to
 * be. Opening never does: a manager that lost its log would found a second store beside the first.
 */
export async function createStore(place: MemberPlace, member: Member): Promise<void> {
  const { env, directory } = place;
  const { number, name } = member;
  const identity = { number, name, isJoining: false };
  await makeDirectory(place);
  const { log } = await openMemberLog(place, identity);
  const empty = new StateMachine({ historyLimit: 1 });
  const chunks = encodeState(empty.freeze(), onlyMember(member));
  await log.saveSnapshot({ ...beginning, chunks });
  log.append({
    entries: [],
    hardState: { term: beginning.term, vote: 0, commit: beginning.index },
  });
  await log.sync();
  await log.close();
  // Written last: without it nothing here is taken for a store.
  await writeIdentity(env.disk, directory, identity);
}

/**
 * Makes the directory of a member that joins an existing store, under the number with which the
 * others will add it. What it stores comes from them.
 */
export async function prepareMember(
  place: Pick<MemberPlace, 'env' | 'directory'>,
  { number, name }: Pick<Member, 'number' | 'name'>,
): Promise<void> {
  await makeDirectory(place);
  await writeIdentity(place.env.disk, place.directory, { number, name, isJoining: true });
}

/**
 * Opens the store of this member and takes part in consensus. Throws `StoreDamaged` with what to do
 * when the directory is locked, foreign, damaged or empty, and what the disk throws.
 */
export async function openRaftStore(options: RaftStoreOptions): Promise<RaftStore> {
  const { env, directory, clusterId, listen } = options;
  const { disk } = env;
  const limits = { ...usualLimits, ...options.limits };
  const timing = options.timing ?? usualTiming;
  const identity = await readIdentity(disk, directory);
  if (identity === null) throw unknownMember(directory);
  const lock = await disk.lock(`${directory}/store.lock`);
  if (lock.kind === 'held') throw lockedDirectory(directory, lock.holder);
  let log: SegmentedLog | null = null;
  try {
    const opened = await openMemberLog(options, identity, limits.segmentBytes);
    ({ log } = opened);
    const { snapshot } = opened;
    checkNotEmpty(directory, identity, snapshot === null && log.lastIndex === 0);
    const replica = new Replica(limits.historyLimit);
    const storage = new LogStorage(log);
    try {
      if (snapshot !== null) replica.replace(snapshot.chunks);
    } catch (error) {
      throw unknownVersion(directory, error instanceof Error ? error.message : String(error));
    }
    if (snapshot !== null) storage.expectSnapshot(snapshot.index, replica.members.conf);
    const guard = new SpaceGuard(disk, directory, limits.reserveBytes);
    await guard.refill();
    options.observer?.restored('disk', snapshot?.index ?? 0, replica.machine);
    const store = new RaftStore({
      env,
      directory,
      clusterId,
      self: identity,
      log,
      storage,
      replica,
      guard,
      limits,
      timing,
      isWitness: options.isWitness === true,
      applied: snapshot?.index ?? 0,
      observer: options.observer ?? null,
      onFatal: options.onFatal,
      onJoined: identity.isJoining
        ? () => void writeIdentity(disk, directory, { ...identity, isJoining: false })
        : null,
      unlock: () => lock.release(),
    });
    await store.start(listen);
    return store;
  } catch (error) {
    await log?.close();
    await lock.release();
    throw error;
  }
}

async function makeDirectory({
  env,
  directory,
}: Pick<MemberPlace, 'env' | 'directory'>): Promise<void> {
  await env.disk.makeDirectory(directory, { mode: 0o700 });
  await env.disk.syncDirectory(directory.slice(0, directory.lastIndexOf('/')) || '/');
}

export function openMemberLog(
  { env, directory, clusterId }: MemberPlace,
  identity: MemberIdentity,
  segmentBytes: number = usualLimits.segmentBytes,
): ReturnType<typeof openLog> {
  const { disk, log, clock } = env;
  const owner = { clusterId, nodeName: identity.name };
  return openLog({ disk, log, clock, directory, owner, segmentBytes });
}
