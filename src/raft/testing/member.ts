import { asciiBytes, asciiText } from '../ascii.ts';
import { decodeConfChange } from '../conf-change.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { RawNode } from '../raw-node.ts';
import type { Config, ConfState, Entry, Id, Message, Ready, Snapshot } from '../types.ts';
import type { Dice } from './dice.ts';
import { RuleBroken, type Oracle } from './oracle.ts';
import { quietLogger } from './quiet-logger.ts';

export type MemberOptions = Partial<Omit<Config, 'id' | 'storage' | 'logger' | 'random'>>;

/**
 * One process of a test cluster: a node with its disk and its state machine, which keeps a hash of all
 * that it applied. A crash loses everything that was handed out and not yet written.
 */
export class Member {
  readonly id: Id;
  readonly storage = new MemoryStorage();
  readonly #options: MemberOptions;
  readonly #dice: Dice;
  readonly #oracle: Oracle;
  readonly #send: (message: Message) => void;
  node: RawNode | undefined;
  appendWork: Message[] = [];
  applyWork: Message[] = [];
  #state = { index: 0, hash: 0 };
  #confState: ConfState;

  constructor(fields: {
    readonly id: Id;
    readonly bootstrap: Snapshot | undefined;
    readonly options: MemberOptions;
    readonly dice: Dice;
    readonly oracle: Oracle;
    readonly send: (message: Message) => void;
  }) {
    this.id = fields.id;
    this.#options = fields.options;
    this.#dice = fields.dice;
    this.#oracle = fields.oracle;
    this.#send = fields.send;
    if (fields.bootstrap !== undefined) this.storage.applySnapshot(fields.bootstrap);
    this.#confState = this.storage.initialState().confState;
    this.start();
  }

  get #async(): boolean {
    return this.#options.asyncStorageWrites === true;
  }

  get applied(): number {
    return this.#state.index;
  }

  get hash(): number {
    return this.#state.hash;
  }

  start(): void {
    const snapshot = this.storage.snapshot();
    this.#state = stateIn(snapshot);
    this.#confState = snapshot.confState;
    this.node = new RawNode({
      electionTick: 10,
      heartbeatTick: 2,
      maxSizePerMsg: 64,
      maxInflightMsgs: 4,
      checkQuorum: true,
      preVote: true,
      ...this.#options,
      id: this.id,
      storage: this.storage,
      applied: snapshot.index,
      logger: quietLogger,
      random: (n) => this.#dice.below(n),
    });
  }

  crash(): void {
    if (this.node === undefined) return;
    this.node = undefined;
    this.appendWork = [];
    this.applyWork = [];
    this.#oracle.seen.crashes++;
  }

  /** Time passes. A leader that is no voter any more hands over, as soon as somebody can take over. */
  tick(): void {
    this.node?.tick();
    const status = this.node?.status();
    if (status?.softState.role !== 'leader') return;
    const { incoming, outgoing } = status.membership;
    if (incoming.includes(this.id) || outgoing.includes(this.id)) return;
    const matchOf = (id: Id): number => status.progress.get(id)?.match ?? 0;
    const [best] = [...incoming].sort((a, b) => matchOf(b) - matchOf(a));
    if (best !== undefined) this.node?.transferLeader(best);
  }

  /** Does what the node asks for; with some chance it crashes on the way. */
  work(crashPercent: number): void {
    const { node } = this;
    if (node === undefined || !node.hasReady()) return;
    const ready = node.ready();
    for (const { index, context } of ready.readStates) {
      this.#oracle.readServed(asciiText(context), index);
    }
    if (this.#async) this.#workAsync(ready);
    else this.#workInOrder(node, ready, crashPercent);
    if (this.node !== undefined) this.#oracle.roleOf(this.id, this.node);
  }

  #workInOrder(node: RawNode, ready: Ready, crashPercent: number): void {
    if (this.#dice.percent(crashPercent)) return this.crash();
    this.#write(ready.hardState, ready.snapshot, ready.entries);
    if (ready.softState?.role === 'leader') this.#oracle.leads(this.id, this.storage);
    if (this.#dice.percent(crashPercent)) return this.crash();
    for (const message of ready.messages) this.#out(message);
    if (this.#dice.percent(crashPercent)) return this.crash();
    this.#apply(node, ready.committedEntries);
    node.advance();
  }

  #workAsync(ready: Ready): void {
    for (const message of ready.messages) {
      if (message.type === 'MsgStorageAppend') this.appendWork.push(message);
      else if (message.type === 'MsgStorageApply') this.applyWork.push(message);
      else this.#out(message);
    }
  }

  appendOne(): void {
    const work = this.appendWork.shift();
    if (work === undefined) return;
    const { term, vote, commit } = work;
    const hardState = term === 0 ? null : { term, vote, commit };
    this.#write(hardState, work.snapshot, work.entries);
    this.#respond(work);
  }

  applyOne(): void {
    const work = this.applyWork.shift();
    if (work === undefined || this.node === undefined) return;
    this.#apply(this.node, work.entries);
    this.#respond(work);
  }

  #respond(work: Message): void {
    for (const response of work.responses) {
      if (response.to === this.id) this.#toItself(response);
      else this.#out(response);
    }
  }

  /** A node that left the group meanwhile refuses its own vote or acknowledgement. */
  #toItself(response: Message): void {
    this.node?.step(response);
    if (this.node !== undefined) this.#oracle.roleOf(this.id, this.node);
  }

  #out(message: Message): void {
    this.#oracle.sent(message);
    this.#send(message);
  }

  #write(
    hardState: Ready['hardState'],
    snapshot: Snapshot | null,
    entries: readonly Entry[],
  ): void {
    if (hardState !== null) this.storage.setHardState(hardState);
    if (snapshot !== null && this.storage.applySnapshot(snapshot) === 'ok') {
      this.#install(snapshot);
    }
    this.storage.append(entries);
  }

  #install(snapshot: Snapshot): void {
    const state = stateIn(snapshot);
    if (state.index <= this.#state.index) return;
    this.#state = state;
    this.#confState = snapshot.confState;
    this.#oracle.seen.snapshots++;
  }

  #apply(node: RawNode, entries: readonly Entry[]): void {
    for (const entry of entries) {
      let changed = false;
      if (entry.index !== this.#state.index + 1) {
        throw new RuleBroken(`${this.id} applies ${entry.index} after ${this.#state.index}`);
      }
      this.#oracle.applied(this.id, entry);
      if (entry.type !== 'normal') {
        this.#confState = node.applyConfChange(decodeConfChange(entry.type, entry.data));
        changed = true;
      }
      let { hash } = this.#state;
      for (const byte of entry.data ?? []) hash = (Math.imul(hash, 31) + byte) | 0;
      this.#state = { index: entry.index, hash: (Math.imul(hash, 31) + entry.term) | 0 };
      // Who joins finds itself only in a snapshot that is younger than its joining.
      if (changed) this.compact();
    }
  }

  /** Keeps a snapshot of the state of now and drops the log before it. */
  compact(): void {
    const { index, hash } = this.#state;
    const data = asciiBytes(`${index} ${hash}`);
    if (this.storage.keepSnapshot(index, this.#confState, data) === 'ok') {
      this.storage.compact(index - this.#dice.below(3));
    }
  }
}

function stateIn(snapshot: Snapshot): { readonly index: number; readonly hash: number } {
  if (snapshot.data.length === 0) return { index: snapshot.index, hash: 0 };
  const [index = 0, hash = 0] = asciiText(snapshot.data).split(' ').map(Number);
  return { index, hash };
}
