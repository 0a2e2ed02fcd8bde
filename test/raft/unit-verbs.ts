import {
  MembershipChanger,
  type ChangeRefusal,
  type Changed,
} from '../../src/raft/membership-changer.ts';
import { ascending, nobody, type Tracked } from '../../src/raft/membership.ts';
import {
  jointIndex,
  jointVote,
  majorityIndex,
  majorityVote,
  type VoteResult,
} from '../../src/raft/quorum.ts';
import type { Id } from '../../src/raft/types.ts';
import type { Command } from './datadriven.ts';
import {
  describeAcked,
  describeMembership,
  describeProgressMap,
  parseChanges,
} from './describe.ts';
import { Refused } from './environment.ts';
import type { Output } from './output.ts';

/** Verbs on the parts alone: quorums, and the configuration changer. */
export class UnitVerbs {
  readonly #output: Output;
  #tracked: Tracked = { membership: nobody, progress: new Map() };
  #lastIndex = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** False if the verb is none of these. */
  run(command: Command): boolean {
    switch (command.verb) {
      case 'committed':
        this.#committed(command);
        return true;
      case 'vote':
        this.#vote(command);
        return true;
      case 'simple':
        this.#change((changer) => changer.simple(parseChanges(command.input)));
        return true;
      case 'enter-joint': {
        const autoLeave = command.args.some(
          ({ key, values }) => key === 'autoleave' && values[0] === 'true',
        );
        this.#change((changer) => changer.enterJoint(autoLeave, parseChanges(command.input)));
        return true;
      }
      case 'leave-joint':
        this.#change((changer) => changer.leaveJoint());
        return true;
      default:
        return false;
    }
  }

  #committed(command: Command): void {
    const { incoming, outgoing, given } = quorumInput(command, 'idx');
    const acked = new Map<Id, number>();
    for (const [id, text] of given) if (text !== '_') acked.set(id, Number(text));
    const ackedOf = (id: Id): number | undefined => acked.get(id);
    const voters = ascending([...incoming, ...(outgoing ?? [])]);
    const index =
      outgoing === undefined
        ? majorityIndex(incoming, ackedOf)
        : jointIndex(incoming, outgoing, ackedOf);
    this.#output.write(describeAcked(voters, ackedOf));
    this.#output.write(`${Number.isFinite(index) ? index : '∞'}\n`);
  }

  #vote(command: Command): void {
    const { incoming, outgoing, given } = quorumInput(command, 'votes');
    const votes = new Map<Id, boolean>();
    for (const [id, text] of given) if (text !== '_') votes.set(id, text === 'y');
    const voteOf = (id: Id): boolean | undefined => votes.get(id);
    const result =
      outgoing === undefined
        ? majorityVote(incoming, voteOf)
        : jointVote(incoming, outgoing, voteOf);
    this.#output.write(`${voteNames[result]}\n`);
  }

  #change(make: (changer: MembershipChanger) => Changed): void {
    const limits = { count: 10, bytes: Number.POSITIVE_INFINITY };
    const changed = make(new MembershipChanger(this.#tracked, this.#lastIndex, limits));
    // Each command is a round of its own, so that `next` tells when a peer was first seen.
    this.#lastIndex++;
    if ('refused' in changed) throw new Refused(`${refusals[changed.refused]}\n`);
    this.#tracked = changed;
    this.#output.write(`${describeMembership(changed.membership)}\n`);
    this.#output.write(describeProgressMap(changed.progress));
  }
}

const voteNames: Record<VoteResult, string> = {
  won: 'VoteWon',
  lost: 'VoteLost',
  pending: 'VotePending',
};

const refusals: Record<ChangeRefusal, string> = {
  alreadyJoint: 'config is already joint',
  zeroVoterConfigJoint: "can't make a zero-voter config joint",
  notJoint: "can't leave a non-joint config",
  simpleWhileJoint: "can't apply simple config change in joint config",
  moreThanOneVoterChanged: 'more than one voter changed without entering joint config',
  removedAllVoters: 'removed all voters',
};

/** `cfgj=zero` is a joint configuration whose other half is empty. */
function quorumInput(command: Command, key: 'idx' | 'votes') {
  const values = (name: string): readonly string[] | undefined =>
    command.args.find((one) => one.key === name)?.values;
  const numbers = (texts: readonly string[]): readonly Id[] => texts.map(Number);
  const first = numbers(values('cfg') ?? []);
  const second = values('cfgj');
  const other = second === undefined ? undefined : numbers(second[0] === 'zero' ? [] : second);
  const order = [...new Set([...first, ...(other ?? [])])];
  const texts = values(key) ?? [];
  if (texts.length !== order.length) {
    throw new Refused(`error: mismatched input for voters ${order.join(' ')}: ${texts.join(' ')}`);
  }
  return {
    incoming: ascending(first),
    outgoing: other === undefined ? undefined : ascending(other),
    given: order.map((id, at) => [id, texts[at] as string] as const),
  };
}
