import type { Timers } from '../../env/env.ts';
import type { AnyConfChange, MemberChange } from '../../raft/conf-change.ts';
import type { Status } from '../../raft/status.ts';
import type { StepResult } from '../../raft/types.ts';
import { deferred } from '../deferred.ts';
import type { Member, Membership, MembershipOutcome } from '../membership.ts';
import { encodeContext, roleOf, type Members } from './members.ts';
import { Pending } from './pending.ts';

interface RaftMembershipParts {
  readonly timers: Timers;
  readonly deadlineMs: number;
  readonly members: () => Members;
  readonly status: () => Status;
  /** Resolves when this member's state holds all that was committed before the call. */
  readonly linearize: () => Promise<boolean>;
  readonly nextProposal: () => string;
  readonly propose: (change: AnyConfChange) => StepResult;
  /** Lets another member lead. */
  readonly handOver: () => void;
  readonly self: number;
}

/** A learner so many entries behind is as good as up to date: the rest comes while it is promoted. */
const caughtUpEntries = 100;

/**
 * Who belongs to the store, and changes of that: one at a time, each a committed entry. A new member
 * joins as a learner, which counts for no quorum, and is promoted when it has caught up.
 */
export class RaftMembership implements Membership {
  readonly managersVote = true;
  readonly #parts: RaftMembershipParts;
  readonly #pending: Pending<MembershipOutcome>;
  readonly #left = deferred<void>();

  constructor(parts: RaftMembershipParts) {
    this.#parts = parts;
    this.#pending = new Pending(parts.timers);
  }

  async list(): Promise<readonly number[]> {
    const { linearize, members } = this.#parts;
    if (!(await linearize())) throw new Error('no quorum of the store answered');
    return members().list.map(({ number }) => number);
  }

  /** Entries that a member is behind; null where this member does not lead. */
  lag(number: number): number | null {
    const { progress, applied } = this.#parts.status();
    const one = progress.get(number);
    return one === undefined ? null : Math.max(0, applied - one.match);
  }

  async addLearner(member: Member): Promise<MembershipOutcome> {
    if (roleOf(this.#parts.members(), member.number) !== null) return { kind: 'done' };
    return this.#change({ kind: 'addLearner', id: member.number }, [member]);
  }

  async promote(number: number): Promise<MembershipOutcome> {
    const role = roleOf(this.#parts.members(), number);
    if (role === 'voter') return { kind: 'done' };
    if (role === null) return { kind: 'refused', because: `there is no member ${number}` };
    const progress = this.#parts.status().progress.get(number);
    const lag = this.lag(number);
    if (progress === undefined || lag === null) {
      return { kind: 'refused', because: 'this member does not lead the store' };
    }
    // One that never answered may not even run: with its vote the store could lose its quorum.
    if (progress.match === 0 || !progress.recentActive) {
      return { kind: 'refused', because: 'it has not answered yet' };
    }
    if (lag > caughtUpEntries) return { kind: 'refused', because: `it is ${lag} entries behind` };
    return this.#change({ kind: 'addVoter', id: number }, []);
  }

  async remove(number: number): Promise<MembershipOutcome> {
    const members = this.#parts.members();
    const role = roleOf(members, number);
    if (role === null) return { kind: 'done' };
    if (role === 'voter' && members.conf.voters.length === 1) {
      return { kind: 'refused', because: 'it is the only voter of the store' };
    }
    if (number === this.#parts.self) {
      // A leader that removes itself can leave a group without anybody who may stand for election.
      this.#parts.handOver();
      return { kind: 'refused', because: 'it leads the store, and hands over first' };
    }
    return this.#change({ kind: 'remove', id: number }, []);
  }

  /** A change was applied. */
  settle(proposal: string): void {
    this.#pending.settle(proposal, { kind: 'done' });
  }

  left(): Promise<void> {
    return this.#left.promise;
  }

  /** This member is none any more: the log says so, or the leading member, which sends it no log. */
  dismissed(): void {
    this.#left.resolve();
  }

  stop(): void {
    this.#pending.abandon();
  }

  async #change(change: MemberChange, members: readonly Member[]): Promise<MembershipOutcome> {
    const { deadlineMs, nextProposal, propose } = this.#parts;
    const proposal = nextProposal();
    const result = propose({ version: 1, change, context: encodeContext(proposal, members) });
    if (result !== 'ok') return { kind: 'refused', because: 'the store has no leader just now' };
    const detail = 'no quorum confirmed it, or another change was under way';
    return this.#pending.wait(proposal, deadlineMs, { kind: 'ambiguous', detail });
  }
}
