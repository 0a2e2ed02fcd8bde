import type { Entry } from './types.ts';

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Bytes of an entry in its protobuf form, which all size limits count in. */
export function entrySize(entry: Entry): number {
  const head = 2 + varintSize(entry.term) + varintSize(entry.index);
  const kind = entry.type === 'normal' ? 0 : 2;
  if (entry.data === null) return head + kind;
  return head + kind + 1 + varintSize(entry.data.length) + entry.data.length;
}

export function entriesSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entrySize(entry);
  return size;
}

/** Bytes of proposals alone: what flow control and the uncommitted limit count. */
export function payloadSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entry.data?.length ?? 0;
  return size;
}

/** The longest prefix of at most `maxSize` bytes, but at least one entry if there is any. */
export function limitSize(entries: readonly Entry[], maxSize: number): readonly Entry[] {
  let size = 0;
  for (let count = 0; count < entries.length; count++) {
    size += entrySize(entries[count] as Entry);
    if (count > 0 && size > maxSize) return entries.slice(0, count);
  }
  return entries;
}
