import type { JsonValue } from '../../env/network.ts';
import { messageTypes } from '../../raft/types.ts';
import type { Entry, Message } from '../../raft/types.ts';
import { entryTypes } from './entry-form.ts';

/*
 * Consensus messages between members, as JSON arrays. Data of normal entries is JSON text itself and
 * travels as text; other bytes as one character per byte.
 */

type WireEntry = readonly [term: number, index: number, type: number, data: string | null];

const fields = 11;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Throws for a message with a snapshot: that is sent in pieces (`SnapshotSender`). */
export function encodeMessage(message: Message): JsonValue {
  if (message.snapshot !== null) throw new Error('a snapshot does not fit into one message');
  return [
    messageTypes.indexOf(message.type),
    message.term,
    message.logTerm,
    message.index,
    message.commit,
    message.reject ? 1 : 0,
    message.rejectHint,
    message.context === null ? null : toCharacters(message.context),
    message.from,
    message.to,
    message.entries.map(wireEntry),
  ];
}

/** Null for anything that is no message; a peer of another version may say such things. */
export function decodeMessage(value: JsonValue): Message | null {
  if (!Array.isArray(value) || value.length !== fields) return null;
  const [type, term, logTerm, index, commit, reject, rejectHint, context, from, to, entries] =
    value as readonly JsonValue[];
  const name = messageTypes[Number(type)];
  const numbers = [term, logTerm, index, commit, reject, rejectHint, from, to];
  if (name === undefined || !numbers.every(isCount) || !Array.isArray(entries)) return null;
  if (context !== null && typeof context !== 'string') return null;
  const decoded = (entries as readonly JsonValue[]).map(decodeEntry);
  if (decoded.some((entry) => entry === null)) return null;
  return {
    type: name,
    term: Number(term),
    logTerm: Number(logTerm),
    index: Number(index),
    commit: Number(commit),
    reject: reject === 1,
    rejectHint: Number(rejectHint),
    context: context === null || context === undefined ? null : fromCharacters(context),
    from: Number(from),
    to: Number(to),
    entries: decoded.filter((entry) => entry !== null),
    vote: 0,
    snapshot: null,
    responses: [],
  };
}

function wireEntry({ term, index, type, data }: Entry): WireEntry {
  if (data === null) return [term, index, entryTypes.indexOf(type), null];
  const text = type === 'normal' ? decoder.decode(data) : toCharacters(data);
  return [term, index, entryTypes.indexOf(type), text];
}

function decodeEntry(value: JsonValue): Entry | null {
  if (!Array.isArray(value) || value.length !== 4) return null;
  const [term, index, type, text] = value as readonly JsonValue[];
  const name = entryTypes[Number(type)];
  if (name === undefined || !isCount(term) || !isCount(index)) return null;
  if (text === null) return { term: Number(term), index: Number(index), type: name, data: null };
  if (typeof text !== 'string') return null;
  const data = name === 'normal' ? encoder.encode(text) : fromCharacters(text);
  return { term: Number(term), index: Number(index), type: name, data };
}

function isCount(value: JsonValue | undefined): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function toCharacters({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

function fromCharacters(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}
