import type { ConfChangeV2 } from './conf-change.ts';
import type { Raft } from './raft.ts';
import type { Entry, Id, Message, MessageType, Role } from './types.ts';

/**
 * One step of a node, in the form that the trace specification of etcd-io/raft's TLA+ model reads: a
 * line of the file is `{"tag":"trace","event":…}`. Ids are text there.
 */
export interface TraceEvent {
  readonly name: string;
  readonly nid: string;
  readonly state: { readonly term: number; readonly vote: string; readonly commit: number };
  readonly role: string;
  /** Length of the log. */
  readonly log: number;
  /** Incoming and outgoing voters. */
  readonly conf: readonly [readonly string[], readonly string[]];
  readonly msg?: TraceMessage;
  readonly prop?: object;
}

interface TraceMessage {
  readonly type: MessageType;
  readonly term: number;
  readonly from: string;
  readonly to: string;
  /** How many; of a snapshot, as many as it stands for. */
  readonly entries: number;
  readonly logTerm: number;
  readonly index: number;
  readonly commit: number;
  readonly vote: string;
  readonly reject: boolean;
  readonly rejectHint: number;
}

const roles: Record<Role, string> = {
  follower: 'StateFollower',
  preCandidate: 'StatePreCandidate',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
};

/** The model knows no pre-votes and no local messages. */
const modelled: Partial<Record<MessageType, string>> = {
  MsgApp: 'AppendEntriesRequest',
  MsgHeartbeat: 'AppendEntriesRequest',
  MsgSnap: 'AppendEntriesRequest',
  MsgAppResp: 'AppendEntriesResponse',
  MsgHeartbeatResp: 'AppendEntriesResponse',
  MsgVote: 'RequestVoteRequest',
  MsgVoteResp: 'RequestVoteResponse',
};

type NodeStep =
  | 'InitState'
  | 'BecomeFollower'
  | 'BecomeCandidate'
  | 'BecomeLeader'
  | 'Commit'
  | 'Ready';

export function traceNode(raft: Raft, name: NodeStep): void {
  emit(raft, name, {});
}

/** A message is queued, or begins to take effect. */
export function traceMessage(raft: Raft, way: 'Send' | 'Receive', message: Message): void {
  const kind = modelled[message.type];
  if (raft.config.trace === undefined || kind === undefined) return;
  const sender = raft.progress.get(message.from);
  const prop =
    way === 'Send' && message.type === 'MsgApp' && sender !== undefined
      ? { match: sender.match, next: sender.next }
      : {};
  emit(raft, `${way}${kind}`, { msg: traced(message), prop });
}

/** A leader takes proposals into its log; changes of the configuration are events of their own. */
export function traceReplicate(raft: Raft, entries: readonly Entry[]): void {
  if (raft.config.trace === undefined) return;
  for (const { type } of entries) if (type === 'normal') emit(raft, 'Replicate', {});
}

export function traceChangeConf(raft: Raft, change: ConfChangeV2): void {
  if (raft.config.trace === undefined) return;
  const actions = { addVoter: 'AddNewServer', remove: 'RemoveServer', addLearner: 'AddLearner' };
  const changes = change.changes.flatMap(({ kind, id }) =>
    kind === 'update' ? [] : [{ nid: String(id), action: actions[kind] }],
  );
  if (changes.length > 0) emit(raft, 'ChangeConf', { prop: { cc: { changes } } });
}

/** To be called while the old configuration still holds: the event shows both. */
export function traceApplyConfChange(raft: Raft, incoming: readonly Id[]): void {
  if (raft.config.trace === undefined) return;
  emit(raft, 'ApplyConfChange', { prop: { cc: { newconf: incoming.map(String) } } });
}

function emit(raft: Raft, name: string, extra: Pick<TraceEvent, 'msg' | 'prop'>): void {
  const { trace } = raft.config;
  if (trace === undefined) return;
  const { membership } = raft;
  const event: TraceEvent = {
    name,
    nid: String(raft.id),
    state: { term: raft.term, vote: String(raft.vote), commit: raft.log.committed },
    role: roles[raft.role],
    log: raft.log.lastIndex(),
    conf: [membership.incoming.map(String), membership.outgoing.map(String)],
    ...extra,
  };
  trace(event);
}

function traced(message: Message): TraceMessage {
  const { type, term, commit, reject, rejectHint, snapshot } = message;
  return {
    type,
    term,
    from: String(message.from),
    to: String(message.to),
    entries: snapshot === null ? message.entries.length : snapshot.index,
    logTerm: snapshot === null ? message.logTerm : 0,
    index: snapshot === null ? message.index : 0,
    commit,
    vote: String(message.vote),
    reject,
    rejectHint,
  };
}
