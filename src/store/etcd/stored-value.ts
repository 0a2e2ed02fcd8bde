import { operationId, revision, type OperationId, type Revision } from '../../core/model/ids.ts';
import type { WireKeyValue } from './rpc/messages.ts';
import { StoreUnavailable, type KeyValue } from '../store.ts';

/*
 * What stands in etcd under one key: a line of JSON about the key's writes, then the value as it is,
 * so that a person can read both with etcdctl.
 *
 *   {"operations":["7.ab12cd34.1","7.ab12cd34.9"]}
 *   {"kind":"vm", …}
 *
 * `create` is there when a transaction deleted the key and put it again, which etcd cannot say of
 * one key: "now" in that write, the revision of that write in all later ones.
 */

interface Heading {
  readonly operations: readonly string[];
  readonly create?: number | 'now';
}

const operationsKept = 8;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One write of a key. */
interface StoredWrite {
  /** What it replaces; null = nothing. */
  readonly before: KnownItem | null;
  readonly operation: OperationId;
  /** The key was deleted earlier in the same transaction. */
  readonly isNew: boolean;
}

/** The bytes to put. */
export function encodeStored(write: StoredWrite & { readonly value: string }): Uint8Array {
  const heading: Heading = {
    operations: operationsAfter(write),
    ...createOf(write.before, write.isNew),
  };
  return encoder.encode(`${JSON.stringify(heading)}\n${write.value}`);
}

/** The key as a write at this revision leaves it. */
export function afterPut(write: StoredWrite, at: Revision): KnownItem {
  const { before, isNew } = write;
  return {
    createRevision: before === null || isNew ? at : before.createRevision,
    modRevision: at,
    operations: operationsAfter(write),
    isRecreated: before !== null && (isNew || before.isRecreated),
  };
}

function operationsAfter({ before, operation, isNew }: StoredWrite): readonly OperationId[] {
  const earlier = isNew ? [] : (before?.operations ?? []);
  return [...earlier.filter((other) => other !== operation), operation].slice(-operationsKept);
}

function createOf(before: KnownItem | null, isNew: boolean): Pick<Heading, 'create'> {
  if (before === null) return {};
  if (isNew) return { create: 'now' };
  return before.isRecreated ? { create: before.createRevision } : {};
}

/** Something else wrote under this cluster's keys: nothing can be decided on that. */
export class ForeignValue extends StoreUnavailable {
  constructor(key: string) {
    super(`the key ${key} in etcd was written by something other than Kennel`);
    this.name = 'ForeignValue';
  }
}

/** Throws `ForeignValue` when the bytes were not written by this driver. */
export function decodeStored(key: string, stored: WireKeyValue): StoredItem {
  const bytes = stored.value;
  const end = bytes.indexOf(0x0a);
  if (end < 0) throw new ForeignValue(key);
  const heading = headingOf(key, decoder.decode(bytes.subarray(0, end)));
  const native = revision(stored.createRevision);
  const modRevision = revision(stored.modRevision);
  return {
    key,
    value: decoder.decode(bytes.subarray(end + 1)),
    createRevision: createRevision(heading.create, modRevision) ?? native,
    modRevision,
    operations: heading.operations.map(operationId),
    isRecreated: heading.create !== undefined,
  };
}

function createRevision(create: Heading['create'], modRevision: Revision): Revision | null {
  if (create === undefined) return null;
  return create === 'now' ? modRevision : revision(create);
}

function headingOf(key: string, line: string): Heading {
  try {
    const heading = JSON.parse(line) as Heading;
    if (Array.isArray(heading.operations)) return heading;
  } catch {
    // Said below.
  }
  throw new ForeignValue(key);
}

/** A `KeyValue`, and whether its create revision differs from etcd's own. */
export interface StoredItem extends KeyValue {
  readonly isRecreated: boolean;
}

/** What has to be known of a key to write it again. */
export type KnownItem = Omit<StoredItem, 'key' | 'value'>;

/** The same without what only this driver needs. */
export function keyValueOf(item: StoredItem | null): KeyValue | null {
  if (item === null) return null;
  const { key, value, createRevision: create, modRevision, operations } = item;
  return { key, value, createRevision: create, modRevision, operations };
}
