import type { FrozenState } from '../state-machine.ts';
import { emptyMember, lockedDirectory, unknownMember, unknownVersion } from '../store-damaged.ts';
import { fromLogEntry } from './entry-form.ts';
import { readIdentity } from './member-directory.ts';
import { openMemberLog, type MemberPlace } from './open-raft-store.ts';
import { Replica } from './replica.ts';

/**
 * What a member that is stopped has: its snapshot and all durable entries behind it. Every write that it
 * helped to acknowledge is in it, and maybe some whose outcome nobody knows; others may have more.
 * Takes no part in consensus and writes nothing but the end of a torn log. Throws as `openRaftStore`
 * does.
 */
export async function readMemberState(place: MemberPlace): Promise<FrozenState> {
  const { env, directory } = place;
  const identity = await readIdentity(env.disk, directory);
  if (identity === null) throw unknownMember(directory);
  const lock = await env.disk.lock(`${directory}/store.lock`);
  if (lock.kind === 'held') throw lockedDirectory(directory, lock.holder);
  try {
    const { log, snapshot } = await openMemberLog(place, identity);
    try {
      if (snapshot === null) throw emptyMember(directory, identity.name);
      return stateOf(directory, new Replica(1), {
        chunks: snapshot.chunks,
        entries: log.readFrom(snapshot.index + 1),
      });
    } finally {
      await log.close();
    }
  } finally {
    await lock.release();
  }
}

function stateOf(
  directory: string,
  replica: Replica,
  durable: {
    readonly chunks: readonly Uint8Array[];
    readonly entries: readonly Parameters<typeof fromLogEntry>[0][];
  },
): FrozenState {
  try {
    replica.replace(durable.chunks);
    for (const entry of durable.entries.map(fromLogEntry)) {
      if (entry.type === 'normal' && entry.data !== null && entry.data.length > 0) {
        replica.apply(entry);
      }
    }
  } catch (error) {
    throw unknownVersion(directory, error instanceof Error ? error.message : String(error));
  }
  return { revision: replica.machine.revision, items: replica.machine.list('') };
}
