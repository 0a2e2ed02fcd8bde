import { decodeConfChange } from '../../src/raft/conf-change.ts';
import { RawNode } from '../../src/raft/raw-node.ts';
import { MemoryStorage } from '../../src/raft/memory-storage.ts';
import {
  isLocalTarget,
  type Config,
  type ConfState,
  type Entry,
  type HardState,
  type Id,
  type Message,
  type MessageType,
  type Snapshot,
} from '../../src/raft/types.ts';
import { describeMessage, describeReady } from './describe.ts';
import { levels, type Output } from './output.ts';

export interface TestNode {
  readonly raw: RawNode;
  readonly storage: MemoryStorage;
  readonly config: Config;
  /** A snapshot of the state after each applied entry; the state is all data put together. */
  readonly history: Snapshot[];
  readonly appendWork: Message[];
  readonly applyWork: Message[];
}

export type NodeOptions = Partial<Omit<Config, 'id' | 'storage' | 'logger' | 'random'>>;

/** A command that the environment refuses, with the text that it prints. */
export class Refused extends Error {}

/** Nodes in one process, and the messages between them. Node `n` has id `n`. */
export class Environment {
  readonly nodes: TestNode[] = [];
  messages: Message[] = [];
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  node(id: Id): TestNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Refused(`there is no node ${id}`);
    return node;
  }

  addNode(bootstrap: Snapshot, options: NodeOptions): void {
    const id = this.nodes.length + 1;
    const storage = new HistoryStorage();
    const history = [bootstrap];
    storage.history = history;
    const { confState, data } = bootstrap;
    const members = confState.voters.length + confState.learners.length;
    if (bootstrap.index > 0 || members > 0 || data.length > 0) {
      if (bootstrap.index <= 1) {
        throw new Refused('index must be specified as > 1 due to bootstrap');
      }
      storage.applySnapshot(bootstrap);
    }
    const config: Config = {
      electionTick: 3,
      heartbeatTick: 1,
      maxSizePerMsg: Number.MAX_SAFE_INTEGER,
      maxInflightMsgs: 0x7f_ff_ff_ff,
      applied: bootstrap.index,
      ...options,
      id,
      storage,
      logger: this.#output,
      random: () => 0,
    };
    const raw = new RawNode(config);
    this.nodes.push({ raw, storage, config, history, appendWork: [], applyWork: [] });
  }

  processReady(id: Id): void {
    const node = this.node(id);
    const ready = node.raw.ready();
    this.#output.write(describeReady(ready));
    const synchronous = node.config.asyncStorageWrites !== true;
    if (synchronous) {
      append(node.storage, ready.hardState, ready.entries, ready.snapshot);
      apply(node, ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (!isLocalTarget(message.to)) this.messages.push(message);
      else if (message.type === 'MsgStorageAppend') node.appendWork.push(message);
      else node.applyWork.push(message);
    }
    if (synchronous) node.raw.advance();
  }

  processAppendThread(id: Id): void {
    const node = this.node(id);
    const work = node.appendWork.shift();
    if (work === undefined) {
      this.#output.write('no append work to perform');
      return;
    }
    const { term, vote, commit } = work;
    const hardState = term === 0 && vote === 0 && commit === 0 ? null : { term, vote, commit };
    this.#describeWork(work, () => append(node.storage, hardState, work.entries, work.snapshot));
  }

  processApplyThread(id: Id): void {
    const node = this.node(id);
    const work = node.applyWork.shift();
    if (work === undefined) {
      this.#output.write('no apply work to perform');
      return;
    }
    this.#describeWork(work, () => apply(node, work.entries));
  }

  #describeWork(work: Message, doIt: () => void): void {
    this.#output.write(`Processing:\n${describeMessage({ ...work, responses: [] })}\n`);
    doIt();
    this.#output.write('Responses:\n');
    for (const response of work.responses) this.#output.write(`${describeMessage(response)}\n`);
    this.messages.push(...work.responses);
  }

  /** Hands over, or drops, what waits for a node. Number of messages. */
  deliver(to: Id, type: MessageType | undefined, drop: boolean): number {
    const isMeant = (one: Message): boolean =>
      one.to === to && !(drop && isLocal(one)) && (type === undefined || one.type === type);
    const meant = this.messages.filter(isMeant);
    this.messages = this.messages.filter((one) => !isMeant(one));
    for (const message of meant) {
      this.#output.write(`${drop ? 'dropped: ' : ''}${describeMessage(message)}\n`);
      if (!drop) {
        const result = this.node(to).raw.step(message);
        if (result !== 'ok') this.#output.write(`${resultTexts[result]}\n`);
      }
    }
    return meant.length;
  }

  /** Lets the nodes work until none of them has anything left to do. */
  stabilize(ids: readonly Id[]): void {
    const all = ids.length === 0 ? this.nodes.map((_, at) => at + 1) : ids;
    for (let round = 0; this.#round(all); round++) {
      if (round > 10_000) throw new Refused('the nodes do not come to rest');
    }
  }

  #round(ids: readonly Id[]): boolean {
    let busy = false;
    const section = (title: string, work: () => void): void => {
      this.#output.write(`> ${title}\n`);
      this.#output.indented(work);
      busy = true;
    };
    for (const id of ids) {
      if (this.node(id).raw.hasReady()) {
        section(`${id} handling Ready`, () => this.processReady(id));
      }
    }
    for (const id of ids) {
      if (this.messages.some((message) => message.to === id)) {
        section(`${id} receiving messages`, () => this.deliver(id, undefined, false));
      }
    }
    for (const id of ids) {
      const { appendWork } = this.node(id);
      if (appendWork.length === 0) continue;
      this.#output.write(`> ${id} processing append thread\n`);
      busy = true;
      while (appendWork.length > 0) this.#output.indented(() => this.processAppendThread(id));
    }
    for (const id of ids) {
      const { applyWork } = this.node(id);
      if (applyWork.length === 0) continue;
      this.#output.write(`> ${id} processing apply thread\n`);
      busy = true;
      while (applyWork.length > 0) this.#output.indented(() => this.processApplyThread(id));
    }
    return busy;
  }

  setLevel(name: string): void {
    const at = levels.findIndex((level) => level === name.toUpperCase());
    if (at < 0) throw new Refused(`log levels must be either of [${levels.join(' ')}]`);
    this.#output.level = at;
  }
}

/** Texts of refusals, as the suite prints them. */
export const resultTexts = {
  proposalDropped: 'raft proposal dropped',
  localMessage: 'raft: cannot step raft local message',
  unknownPeer: 'raft: cannot step as peer not found',
} as const;

/** Whoever falls behind gets the newest state, not that of the last compaction. */
class HistoryStorage extends MemoryStorage {
  history: readonly Snapshot[] = [];

  override snapshot(): Snapshot {
    return this.history.at(-1) ?? super.snapshot();
  }
}

function isLocal(message: Message): boolean {
  return message.from === message.to || isLocalTarget(message.from) || isLocalTarget(message.to);
}

function append(
  storage: MemoryStorage,
  hardState: HardState | null,
  entries: readonly Entry[],
  snapshot: Snapshot | null,
): void {
  if (hardState !== null) storage.setHardState(hardState);
  if (snapshot === null) {
    storage.append(entries);
    return;
  }
  if (entries.length > 0) {
    throw new Refused("can't apply snapshot and entries at the same time");
  }
  if (storage.applySnapshot(snapshot) === 'older') {
    throw new Refused('requested index is older than the existing snapshot');
  }
}

function apply(node: TestNode, entries: readonly Entry[]): void {
  for (const entry of entries) {
    let update = entry.data;
    let confState: ConfState | undefined;
    if (entry.type !== 'normal') {
      const change = decodeConfChange(entry.type, entry.data);
      update = change.context;
      confState = node.raw.applyConfChange(change);
    }
    const last = node.history.at(-1) as Snapshot;
    node.history.push({
      index: entry.index,
      term: entry.term,
      confState: confState ?? last.confState,
      data: Uint8Array.from([...last.data, ...(update ?? [])]),
    });
  }
}
