import { operationId, revision } from '../core/model/ids.ts';
import type { FrozenState } from './state-machine.ts';
import type { KeyValue } from './store.ts';

/*
 * The whole state as chunks of JSON lines. Chunks are made one at a time, so that 20 MB of state
 * never hold up the event loop: the writer waits for the disk between two of them.
 */

type WireItem = readonly [string, string, number, number, readonly string[]];

const chunkChars = 128 * 1024;

/** The state, and who was a member of the cluster when it was so. */
export interface DecodedState extends FrozenState {
  /** As it was given to `encodeState`; undefined where none was. */
  readonly members: unknown;
}

/**
 * Pure and lazy: `state` must not change while it runs (`StateMachine.freeze`). `members` is JSON
 * of the store that replicates the state.
 */
export function* encodeState(state: FrozenState, members?: unknown): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let lines = `${JSON.stringify({ format: 1, revision: state.revision, members })}\n`;
  for (const item of state.items) {
    if (lines.length >= chunkChars) {
      yield encoder.encode(lines);
      lines = '';
    }
    lines += `${JSON.stringify(wireItem(item))}\n`;
  }
  yield encoder.encode(lines);
}

/** Throws when the first line is no header of a known format. Checksums are the log's affair. */
export function decodeState(chunks: readonly Uint8Array[]): DecodedState {
  const decoder = new TextDecoder();
  const items: KeyValue[] = [];
  let header: Header | null = null;
  for (const chunk of chunks) {
    for (const line of decoder.decode(chunk).split('\n')) {
      if (line === '') continue;
      if (header === null) header = decodeHeader(line);
      else items.push(decodeItem(line));
    }
  }
  if (header === null) throw new Error('a snapshot without header');
  return { revision: revision(header.revision), items, members: header.members };
}

interface Header {
  readonly revision: number;
  readonly members: unknown;
}

function decodeHeader(line: string): Header {
  const header = JSON.parse(line) as { format?: unknown } & Partial<Header>;
  if (header.format !== 1 || typeof header.revision !== 'number') {
    throw new Error('unknown snapshot format');
  }
  return { revision: header.revision, members: header.members };
}

function wireItem(item: KeyValue): WireItem {
  return [item.key, item.value, item.createRevision, item.modRevision, item.operations];
}

function decodeItem(line: string): KeyValue {
  const [key, value, createRevision, modRevision, operations] = JSON.parse(line) as WireItem;
  return {
    key,
    value,
    createRevision: revision(createRevision),
    modRevision: revision(modRevision),
    operations: operations.map(operationId),
  };
}
