import type { Entry, EntryType } from '../../raft/types.ts';
import type { LogEntry } from '../log/payload.ts';

/** By their number in the log on disk and between members. */
export const entryTypes: readonly EntryType[] = ['normal', 'confChange', 'confChangeV2'];

const nothing = new Uint8Array(0);

/** An entry as the log on disk keeps it. */
export function toLogEntry({ term, index, type, data }: Entry): LogEntry {
  return { term, index, type: entryTypes.indexOf(type), bytes: data ?? nothing };
}

/** Throws for a type that a newer version wrote. */
export function fromLogEntry({ term, index, type, bytes }: LogEntry): Entry {
  const name = entryTypes[type];
  if (name === undefined) throw new Error(`entry ${index} is of the unknown type ${type}`);
  return { term, index, type: name, data: bytes.length === 0 ? null : bytes };
}
