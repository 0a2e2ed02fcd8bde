import type { Entry, Message } from '../../raft/types.ts';

/** More than this many bytes of entries do not go into one message. */
const maxBytes = 512 * 1024;

/**
 * The same messages with appends to one member that follow each other made into one. Consensus sends
 * one for each proposal; whoever gets the one that they make does what it would have done with all of
 * them, syncs once and answers once.
 */
export function mergeAppends(messages: readonly Message[]): readonly Message[] {
  const merged: Message[] = [];
  /** By member: where the last message to it stands, and how many bytes its entries have. */
  const last = new Map<number, { readonly at: number; readonly bytes: number }>();
  for (const message of messages) {
    const bytes = bytesOf(message.entries);
    const before = last.get(message.to);
    const previous = before === undefined ? undefined : merged[before.at];
    if (
      before !== undefined &&
      previous !== undefined &&
      before.bytes + bytes <= maxBytes &&
      follows(previous, message)
    ) {
      const entries = [...previous.entries, ...message.entries];
      merged[before.at] = { ...previous, entries, commit: message.commit };
      last.set(message.to, { at: before.at, bytes: before.bytes + bytes });
    } else {
      last.set(message.to, { at: merged.length, bytes });
      merged.push(message);
    }
  }
  return merged;
}

/** Whether one append begins where the other ends, under the same leader. */
function follows(first: Message, second: Message): boolean {
  if (first.type !== 'MsgApp' || second.type !== 'MsgApp') return false;
  const end = first.entries.at(-1);
  return (
    first.term === second.term &&
    first.index + first.entries.length === second.index &&
    (end?.term ?? first.logTerm) === second.logTerm &&
    first.commit <= second.commit
  );
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}
