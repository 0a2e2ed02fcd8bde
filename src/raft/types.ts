/**
 * What goes in and out of the consensus core: everything that a transport or a log on disk has to
 * carry. All of it is plain data. Terms and indexes are integers below 2^53; `0` means none.
 */

/** A member's id: a positive integer. `0` is nobody. */
export type Id = number;

export const noOne: Id = 0;

/** Addresses of the two local storage workers; above every id that a member may have. */
export const appendThread: Id = Number.MAX_SAFE_INTEGER;
export const applyThread: Id = Number.MAX_SAFE_INTEGER - 1;

/** An id that names no member but one of this node's own storage workers. */
export function isLocalTarget(id: Id): boolean {
  return id >= applyThread;
}

export type EntryType = 'normal' | 'confChange' | 'confChangeV2';

export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  /** The proposal; `null` in the entry that a new leader opens its term with. */
  readonly data: Uint8Array | null;
}

/** Who is a member, as a snapshot keeps it. `votersOutgoing` is empty unless the change is joint. */
export interface ConfState {
  readonly voters: readonly Id[];
  readonly votersOutgoing: readonly Id[];
  readonly learners: readonly Id[];
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  readonly learnersNext: readonly Id[];
  readonly autoLeave: boolean;
}

export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
  readonly data: Uint8Array;
}

/** What must survive a crash besides entries and snapshot. */
export interface HardState {
  readonly term: number;
  readonly vote: Id;
  readonly commit: number;
}

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** Volatile, for whoever wants to show it or to route requests. */
export interface SoftState {
  readonly leader: Id;
  readonly role: Role;
}

/** A read that may be served as soon as everything up to `index` is applied. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

export const messageTypes = [
  'MsgHup',
  'MsgBeat',
  'MsgProp',
  'MsgApp',
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgSnap',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgTransferLeader',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
  'MsgStorageAppend',
  'MsgStorageAppendResp',
  'MsgStorageApply',
  'MsgStorageApplyResp',
  'MsgForgetLeader',
] as const;

export type MessageType = (typeof messageTypes)[number];

export interface Message {
  readonly type: MessageType;
  readonly from: Id;
  readonly to: Id;
  /** `0` in proposals and read requests, which belong to no term, and in local messages. */
  readonly term: number;
  /** Term of the entry at `index`; in a rejected append, of the entry at `rejectHint`. */
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  /** In MsgStorageAppend alone, where term, vote and commit are the hard state to keep. */
  readonly vote: Id;
  readonly snapshot: Snapshot | null;
  readonly reject: boolean;
  /** The highest index at which the logs may still agree. */
  readonly rejectHint: number;
  readonly context: Uint8Array | null;
  /** Messages to send once the storage worker is done with this one. */
  readonly responses: readonly Message[];
}

/** One batch of work. See RawNode for the order in which it must be done. */
export interface Ready {
  readonly softState: SoftState | null;
  readonly hardState: HardState | null;
  readonly readStates: readonly ReadState[];
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Entries, term or vote changed: what is written must be synced, not only written. */
  readonly mustSync: boolean;
}

/** Why a call had no effect; `ok` if it had, or if the message was rightly ignored. */
export type StepResult = 'ok' | 'proposalDropped' | 'localMessage' | 'unknownPeer';

export type LogGap = 'compacted' | 'unavailable';

/**
 * What the core reads back from stable storage. It never writes: the host does, with what it finds
 * in a Ready. All calls are synchronous, so an implementation keeps in memory what it may be asked.
 */
export interface Storage {
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /** Entries in `[lo, hi)`, cut to `maxSize` bytes but never to less than one entry. */
  entries(lo: number, hi: number, maxSize: number): readonly Entry[] | LogGap;
  /** Term of an entry; known also for the one before the first, where the log was compacted. */
  term(index: number): number | LogGap;
  firstIndex(): number;
  lastIndex(): number;
  /**
   * `unavailable` when one is being made; the core asks again later. It must be no older than the last
   * configuration change that was applied: who joined by that change installs no snapshot in which it
   * does not find itself.
   */
  snapshot(): Snapshot | 'unavailable';
}

export interface Logger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** The core throws right after it. */
  fatal(text: string): void;
}

export interface Config {
  readonly id: Id;
  /** Ticks without word from a leader after which a follower may campaign, at the earliest. */
  readonly electionTick: number;
  readonly heartbeatTick: number;
  readonly storage: Storage;
  /** Index up to which the state machine has applied already. */
  readonly applied?: number;
  readonly asyncStorageWrites?: boolean;
  /** Bytes of entries in one MsgApp. One entry always fits. */
  readonly maxSizePerMsg: number;
  /** Bytes of entries handed out for applying at a time; default `maxSizePerMsg`. */
  readonly maxCommittedSizePerReady?: number;
  /** Bytes of proposals that a leader holds uncommitted before it drops new ones; default no limit. */
  readonly maxUncommittedEntriesSize?: number;
  readonly maxInflightMsgs: number;
  readonly maxInflightBytes?: number;
  readonly checkQuorum?: boolean;
  readonly preVote?: boolean;
  readonly readOnly?: 'safe' | 'lease-based';
  readonly disableProposalForwarding?: boolean;
  readonly disableConfChangeValidation?: boolean;
  /**
   * A leader becomes a follower when it applies its own removal or demotion. Its followers may not know
   * yet that the change is committed, and can then be left unable to elect anybody (the vote of a node
   * that knows more and may not lead is needed). Safe, but a host does better to leave it off, hand
   * leadership over before the change or right after it (`transferLeader`), and bound that by a time.
   */
  readonly stepDownOnRemoval?: boolean;
  readonly logger: Logger;
  /** An integer in `[0, n)`. */
  readonly random: (n: number) => number;
  readonly trace?: (event: object) => void;
}
