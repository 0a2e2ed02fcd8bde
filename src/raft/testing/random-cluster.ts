import { asciiBytes } from '../ascii.ts';
import type { AnyConfChange, ChangeKind, Transition } from '../conf-change.ts';
import type { Id, Message } from '../types.ts';
import { Dice } from './dice.ts';
import { Member, type MemberOptions } from './member.ts';
import { Oracle, RuleBroken } from './oracle.ts';

export interface RunOptions {
  readonly seed: number;
  /** Voters at the start; two more members may be added by changes. */
  readonly size: number;
  readonly steps: number;
  readonly changes: boolean;
  /** Whether agreement is demanded once the faults have ended. */
  readonly mustRest: boolean;
  /**
   * Leaders come and go: again and again other members are cut off, and one of the rest stands for
   * election with a proposal of its own, so that logs with different ends meet.
   */
  readonly turnover?: boolean;
  readonly options: MemberOptions;
}

/** Of all steps; between two of them a leader can be elected and not much more. */
const turnoverPercent = 2;

/**
 * A group under everything that may happen to it: messages lost, doubled, late and out of order,
 * members cut off, crashed and restarted. Afterwards it must come to rest and agree.
 */
export class RandomCluster {
  readonly oracle = new Oracle();
  readonly members = new Map<Id, Member>();
  readonly #dice: Dice;
  readonly #run: RunOptions;
  #wire: Message[] = [];
  readonly #cutOff = new Set<Id>();
  #proposals = 0;

  constructor(run: RunOptions) {
    this.#run = run;
    this.#dice = new Dice(run.seed);
    const voters = Array.from({ length: run.size }, (_, at) => at + 1);
    const confState = {
      voters,
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
    };
    const bootstrap = { index: 2, term: 1, confState, data: asciiBytes('2 0') };
    const spare = run.changes ? [run.size + 1, run.size + 2] : [];
    for (const id of [...voters, ...spare]) {
      this.members.set(
        id,
        new Member({
          id,
          bootstrap: voters.includes(id) ? bootstrap : undefined,
          options: run.options,
          dice: new Dice(run.seed ^ (id * 0x9e_37)),
          oracle: this.oracle,
          send: (message) => this.#wire.push(message),
        }),
      );
    }
  }

  /** Throws RuleBroken or InvariantBroken. */
  run(): void {
    for (let step = 0; step < this.#run.steps; step++) {
      if (this.#run.turnover === true && this.#dice.percent(turnoverPercent)) this.#turnOver();
      this.#anything();
      if (step % 100 === 0) this.#compareLogs();
    }
    if (this.#run.mustRest) this.#comeToRest();
    this.#compareLogs();
  }

  #compareLogs(): void {
    const members = [...this.members.values()];
    for (const a of members) {
      for (const b of members) if (a.id < b.id) this.oracle.logsMatch(a.storage, b.storage);
    }
  }

  #anything(): void {
    const dice = this.#dice;
    const member = dice.pick([...this.members.values()]);
    const { node } = member;
    const roll = dice.below(1000);
    if (node === undefined) {
      if (dice.percent(20)) member.start();
    } else if (roll < 150) member.tick();
    else if (roll < 500) member.work(0.5);
    else if (roll < 880) for (let n = 0; n < 3; n++) this.#deliver();
    else if (roll < 920) this.#propose(member);
    else if (roll < 940) this.#read(member);
    else if (roll < 950) this.#cut(member.id);
    else if (roll < 956) member.crash();
    else if (roll < 966) member.compact();
    else if (roll < 970) node.transferLeader(dice.pick([...this.members.keys()]));
    else if (roll < 974) node.reportUnreachable(dice.pick([...this.members.keys()]));
    else if (roll < 976) node.campaign();
    else if (roll < 978) node.forgetLeader();
    else if (this.#run.changes) this.#change(member);
    if (dice.percent(this.#run.turnover === true ? 15 : 60)) member.appendOne();
    if (dice.percent(60)) member.applyOne();
  }

  #deliver(): void {
    const dice = this.#dice;
    if (this.#wire.length === 0) return;
    // Mostly in order, sometimes any.
    const at = dice.percent(70) ? 0 : dice.below(this.#wire.length);
    const [message] = dice.percent(4) ? [this.#wire[at] as Message] : this.#wire.splice(at, 1);
    if (message === undefined) return;
    const lost = dice.percent(5) || this.#cutOff.has(message.from) || this.#cutOff.has(message.to);
    this.#hand(message, lost);
  }

  #hand(message: Message, lost: boolean): void {
    const sender = this.members.get(message.from);
    // Whoever sends a snapshot must tell how that went, or its receiver is waited for forever.
    if (message.type === 'MsgSnap') sender?.node?.reportSnapshot(message.to, !lost);
    const receiver = this.members.get(message.to);
    if (lost || receiver?.node === undefined) return;
    receiver.node.step(message);
    this.oracle.roleOf(receiver.id, receiver.node);
  }

  #turnOver(): void {
    const dice = this.#dice;
    const before = [...this.members.values()].find(
      ({ node }) => node?.status().softState.role === 'leader',
    );
    this.#cutOff.clear();
    const ids = [...this.members.keys()];
    const away = dice.below(Math.floor(ids.length / 2) + 1);
    for (let n = 0; n < away; n++) this.#cutOff.add(dice.pick(ids));
    if (before !== undefined && dice.percent(50)) before.crash();
    else if (before !== undefined) {
      // It goes on with what nobody will ever commit.
      this.#cutOff.add(before.id);
      for (let n = dice.below(8); n > 0; n--) this.#propose(before);
    }
    const next = this.members.get(dice.pick(ids.filter((id) => !this.#cutOff.has(id))));
    if (next === undefined) return;
    if (next.node === undefined) next.start();
    next.node?.campaign();
  }

  #propose(member: Member): void {
    const text = `p${++this.#proposals}`;
    member.node?.propose(asciiBytes(text));
  }

  #read(member: Member): void {
    const key = `r${++this.#proposals}`;
    this.oracle.readBegins(key);
    member.node?.readIndex(asciiBytes(key));
  }

  #cut(id: Id): void {
    if (this.#dice.percent(60)) this.#cutOff.clear();
    else this.#cutOff.add(id);
  }

  #change(member: Member): void {
    const dice = this.#dice;
    const kinds: readonly ChangeKind[] = ['addVoter', 'addVoter', 'addLearner', 'remove'];
    const change = () => ({ kind: dice.pick(kinds), id: dice.pick([...this.members.keys()]) });
    const transitions: readonly Transition[] = ['auto', 'jointImplicit', 'jointExplicit'];
    const count = dice.below(4);
    const proposed: AnyConfChange = dice.percent(30)
      ? { version: 1, change: change(), context: null }
      : {
          version: 2,
          transition: count === 0 ? 'auto' : dice.pick(transitions),
          changes: Array.from({ length: count }, change),
          context: null,
        };
    if (this.#canBeMade(member, proposed)) member.node?.proposeConfChange(proposed);
  }

  /** The core refuses what the protocol excludes, but trusts its host with what makes no group. */
  #canBeMade(member: Member, proposed: AnyConfChange): boolean {
    if (member.node?.status().softState.role !== 'leader') return false;
    const { membership } = member.node.status();
    const voters = new Set(membership.incoming);
    const before = new Set(voters);
    const changes = proposed.version === 1 ? [proposed.change] : proposed.changes;
    for (const { kind, id } of changes) {
      if (kind === 'addVoter') voters.add(id);
      else voters.delete(id);
    }
    // A leader that takes its own vote away and is then cut off can leave nobody who may be elected: the
    // rest asks for its vote, and it has what they lack. Hosts hand over first (docs/raft.md).
    if (this.#run.mustRest && !voters.has(member.id)) return false;
    const moved =
      [...voters].filter((id) => !before.has(id)).length +
      [...before].filter((id) => !voters.has(id)).length;
    const simple =
      proposed.version === 1 || (proposed.transition === 'auto' && changes.length === 1);
    return voters.size >= 2 && (!simple || moved <= 1);
  }

  /** Faults end: within a bounded time there is a leader, and everybody agrees with it. */
  #comeToRest(): void {
    this.#cutOff.clear();
    for (const member of this.members.values()) if (member.node === undefined) member.start();
    const target = this.oracle.highestApplied;
    for (let round = 0; round < 600; round++) {
      this.#calmRound();
      if (round % 20 === 19) this.#nudge();
      if (round > 100 && round % 20 === 10 && this.#agreed(target)) return;
    }
    const states = [...this.members.values()].map(
      ({ id, node, applied }) => `${id}: ${node?.status().softState.role} at ${applied}`,
    );
    throw new RuleBroken(
      `no agreement beyond ${target} after the faults ended (${states.join(', ')})`,
    );
  }

  #calmRound(): void {
    for (const member of this.members.values()) {
      member.tick();
      for (let n = 0; n < 4; n++) {
        member.work(0);
        member.appendOne();
        member.applyOne();
      }
    }
    const wire = this.#wire;
    this.#wire = [];
    for (const message of wire) this.#hand(message, false);
  }

  /** Somebody leads, and a leader has something new to commit. */
  #nudge(): void {
    for (const member of this.members.values()) {
      if (member.node?.status().softState.role === 'leader') this.#propose(member);
    }
  }

  #agreed(target: number): boolean {
    const leader = [...this.members.values()].find(
      ({ node }) => node?.status().softState.role === 'leader',
    );
    if (leader?.node === undefined || leader.applied <= target) return false;
    const { progress } = leader.node.status();
    return [...progress.keys()].every((id) => {
      const member = this.members.get(id);
      return (
        member !== undefined && member.applied === leader.applied && member.hash === leader.hash
      );
    });
  }
}
