import type { ConfState } from '../../raft/types.ts';
import type { Member } from '../membership.ts';

/** Who belongs to the store, as the log says it; replicated and kept in snapshots. */
export interface Members {
  readonly conf: ConfState;
  /** Voters and learners, by number, ascending. */
  readonly list: readonly Member[];
}

export const noMembers: Members = {
  conf: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
  list: [],
};

/** The members of a store of one, which is how every store begins. */
export function onlyMember(member: Member): Members {
  return { conf: { ...noMembers.conf, voters: [member.number] }, list: [member] };
}

/**
 * The members after a configuration change. `conf` is what consensus made of it; `changed` are the
 * members that the change names with their addresses.
 */
export function withChange(before: Members, conf: ConfState, changed: readonly Member[]): Members {
  const present = new Set([
    ...conf.voters,
    ...conf.votersOutgoing,
    ...conf.learners,
    ...conf.learnersNext,
  ]);
  const byNumber = new Map(before.list.map((member) => [member.number, member]));
  for (const member of changed) byNumber.set(member.number, member);
  const list = [...byNumber.values()].filter(({ number }) => present.has(number));
  return { conf, list: list.sort((a, b) => a.number - b.number) };
}

export function roleOf({ conf }: Members, number: number): 'voter' | 'learner' | null {
  if (conf.voters.includes(number) || conf.votersOutgoing.includes(number)) return 'voter';
  return conf.learners.includes(number) || conf.learnersNext.includes(number) ? 'learner' : null;
}

/** What a snapshot's header holds. Throws when it is something else. */
export function readMembers(value: unknown): Members {
  const { conf, list } = (value ?? {}) as Partial<Members>;
  if (conf === undefined || list === undefined) throw new Error('no members in the snapshot');
  return { conf, list };
}

interface Context {
  readonly proposal: string | null;
  /** Members that the change adds, with their addresses. */
  readonly members: readonly Member[];
}

/** Context of a configuration change: its proposal id, and the members that it adds. */
export function encodeContext(proposal: string, members: readonly Member[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ proposal, members }));
}

export function decodeContext(context: Uint8Array | null): Context {
  if (context === null || context.length === 0) return { proposal: null, members: [] };
  return JSON.parse(new TextDecoder().decode(context)) as Context;
}
