import type { EntryType, Id } from './types.ts';

export type ChangeKind = 'addVoter' | 'addLearner' | 'remove' | 'update';

export interface MemberChange {
  readonly kind: ChangeKind;
  readonly id: Id;
}

/**
 * How a change of several members is carried out.
 * - `auto`: through a joint configuration only if more than one member changes, left automatically;
 * - `jointImplicit`: always joint, left automatically;
 * - `jointExplicit`: always joint, left by an empty change that somebody proposes.
 */
export type Transition = 'auto' | 'jointImplicit' | 'jointExplicit';

/** One member, never joint. */
export interface ConfChange {
  readonly version: 1;
  readonly change: MemberChange;
  readonly context: Uint8Array | null;
}

/** Any number of members; without changes it leaves a joint configuration. */
export interface ConfChangeV2 {
  readonly version: 2;
  readonly transition: Transition;
  readonly changes: readonly MemberChange[];
  readonly context: Uint8Array | null;
}

export type AnyConfChange = ConfChange | ConfChangeV2;

export function asV2(change: AnyConfChange): ConfChangeV2 {
  if (change.version === 2) return change;
  return { version: 2, transition: 'auto', changes: [change.change], context: change.context };
}

/** `simple`, or whether the joint configuration that it enters is left by itself. */
export type ChangePath =
  | { readonly kind: 'leave' }
  | { readonly kind: 'simple' }
  | { readonly kind: 'joint'; readonly autoLeave: boolean };

export function pathOf(change: ConfChangeV2): ChangePath {
  if (change.transition !== 'auto' || change.changes.length > 1) {
    return { kind: 'joint', autoLeave: change.transition !== 'jointExplicit' };
  }
  return change.changes.length === 0 ? { kind: 'leave' } : { kind: 'simple' };
}

const kinds: readonly ChangeKind[] = ['addVoter', 'remove', 'update', 'addLearner'];
const transitions: readonly Transition[] = ['auto', 'jointImplicit', 'jointExplicit'];

/** The entry that carries a change; its data has the protobuf form that etcd's raft gives it. */
export function encodeConfChange(change: AnyConfChange): {
  readonly type: EntryType;
  readonly data: Uint8Array;
} {
  const bytes: number[] = [];
  if (change.version === 1) {
    putVarint(bytes, 1, 0);
    putVarint(bytes, 2, kinds.indexOf(change.change.kind));
    putVarint(bytes, 3, change.change.id);
    if (change.context !== null) putBytes(bytes, 4, change.context);
    return { type: 'confChange', data: Uint8Array.from(bytes) };
  }
  putVarint(bytes, 1, transitions.indexOf(change.transition));
  for (const { kind, id } of change.changes) {
    const one: number[] = [];
    putVarint(one, 1, kinds.indexOf(kind));
    putVarint(one, 2, id);
    putBytes(bytes, 2, Uint8Array.from(one));
  }
  if (change.context !== null) putBytes(bytes, 3, change.context);
  return { type: 'confChangeV2', data: Uint8Array.from(bytes) };
}

/** The change in an entry's data; `null` data is an empty change. Throws on what is none. */
export function decodeConfChange(type: EntryType, data: Uint8Array | null): AnyConfChange {
  const bytes = data ?? new Uint8Array();
  if (type === 'confChange') {
    let kind = 0;
    let id = 0;
    let context: Uint8Array | null = null;
    for (const field of fieldsOf(bytes)) {
      if (field.number === 2) kind = field.value;
      else if (field.number === 3) id = field.value;
      else if (field.number === 4) context = field.bytes;
    }
    return { version: 1, change: { kind: nameAt(kinds, kind), id }, context };
  }
  let transition = 0;
  const changes: MemberChange[] = [];
  let context: Uint8Array | null = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) transition = field.value;
    else if (field.number === 2) changes.push(memberChange(field.bytes));
    else if (field.number === 3) context = field.bytes;
  }
  return { version: 2, transition: nameAt(transitions, transition), changes, context };
}

function memberChange(bytes: Uint8Array): MemberChange {
  let kind = 0;
  let id = 0;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) kind = field.value;
    else if (field.number === 2) id = field.value;
  }
  return { kind: nameAt(kinds, kind), id };
}

function nameAt<T>(names: readonly T[], at: number): T {
  const name = names[at];
  if (name === undefined) throw new Error(`malformed configuration change: no kind ${at}`);
  return name;
}

function putVarint(into: number[], field: number, value: number): void {
  into.push(field << 3);
  pushVarint(into, value);
}

function putBytes(into: number[], field: number, value: Uint8Array): void {
  into.push((field << 3) | 2);
  pushVarint(into, value.length);
  for (const byte of value) into.push(byte);
}

function pushVarint(into: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    into.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  into.push(rest);
}

interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 49) throw new Error('malformed configuration change');
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (tag % 8 === 0) {
      fields.push({ number: tag >> 3, value, bytes: new Uint8Array() });
    } else if (tag % 8 === 2 && at + value <= bytes.length) {
      fields.push({ number: tag >> 3, value, bytes: bytes.slice(at, at + value) });
      at += value;
    } else {
      throw new Error('malformed configuration change');
    }
  }
  return fields;
}
