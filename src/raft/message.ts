import type { Id, Message, MessageType } from './types.ts';
import { noOne } from './types.ts';

type Fields = Partial<Omit<Message, 'type' | 'to'>>;

/** A message with every field, in one shape. */
export function message(
  type: MessageType,
  to: Id,
  fields: Fields = {},
  from: Id = fields.from ?? noOne,
  term: number = fields.term ?? 0,
): Message {
  return {
    type,
    from,
    to,
    term,
    logTerm: fields.logTerm ?? 0,
    index: fields.index ?? 0,
    entries: fields.entries ?? [],
    commit: fields.commit ?? 0,
    vote: fields.vote ?? noOne,
    snapshot: fields.snapshot ?? null,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    context: fields.context ?? null,
    responses: fields.responses ?? [],
  };
}

/** Types by which a node talks to itself; nobody else may send them. */
export function isLocalType(type: MessageType): boolean {
  switch (type) {
    case 'MsgHup':
    case 'MsgBeat':
    case 'MsgUnreachable':
    case 'MsgSnapStatus':
    case 'MsgCheckQuorum':
    case 'MsgStorageAppend':
    case 'MsgStorageAppendResp':
    case 'MsgStorageApply':
    case 'MsgStorageApplyResp':
      return true;
    default:
      return false;
  }
}

/** Answers: from somebody who is no member they mean nothing. */
export function isResponseType(type: MessageType): boolean {
  switch (type) {
    case 'MsgAppResp':
    case 'MsgVoteResp':
    case 'MsgHeartbeatResp':
    case 'MsgUnreachable':
    case 'MsgReadIndexResp':
    case 'MsgPreVoteResp':
    case 'MsgStorageAppendResp':
    case 'MsgStorageApplyResp':
      return true;
    default:
      return false;
  }
}

/** Promises that rest on what was just written: they leave only after it is durable. */
export function waitsForPersistence(type: MessageType): boolean {
  return type === 'MsgAppResp' || type === 'MsgVoteResp' || type === 'MsgPreVoteResp';
}
