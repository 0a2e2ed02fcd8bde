import { join } from 'node:path';
import { storeDirectory } from '../../deploy/lab/layout.ts';
import type { KennelCluster } from '../../deploy/lab/cluster/kennel-cluster.ts';
import {
  isObject,
  type Checker,
  type Fact,
  type FactKind,
  type Json,
  type JsonObject,
  type Violation,
  type WriteFact,
} from '../checkers/history.ts';
import { Readers } from '../checkers/readers.ts';
import { readAgentLine } from './agent-line.ts';
import type { CommitSource } from './committed.ts';
import { groundBetween, lastingDomains, lookAtGround, type Sample } from './ground.ts';
import { LogTail } from './log-tail.ts';
import { MemberLogs } from './member-logs.ts';

/** Order in which one revision's keys are told: what justifies a change comes before it. */
const order = ['leader', 'settings', 'fence/', 'failover/', 'node/', 'vm/', 'chain'];

/** Time between two looks. Whatever began and ended between two of them was not seen. */
const lookEveryMs = 40;

/** A fact that waits until an entry is known to be committed; null = not yet known which. */
interface PendingFact {
  readonly fact: Fact;
  behind: number | null;
}

/** A second process of one VM is told again only when it is another pair. */
type Pair = string;

/**
 * Turns what happens on a lab into the facts that the checkers read, from the managers' logs on disk,
 * the process tables, libvirt's files, the BMCs' own notes and the agents' logs. It asks no manager
 * and no agent for anything.
 *
 * What cannot be seen from outside is missing from the history: messages on the wire, which are
 * encrypted, but for the results that an agent notes in its log. So leases, and what a leader heard,
 * are judged in the simulator alone.
 */
export class Observer {
  readonly violations: Violation[] = [];
  readonly facts = new Map<FactKind, number>();
  readonly log: CommitSource;
  readonly #cluster: KennelCluster;
  readonly #readers: Readers;
  readonly #listeners = new Set<(fact: Fact, atMs: number) => void>();
  readonly #zeroMs = performance.now();
  readonly #agents: readonly { readonly node: string; readonly tail: LogTail }[];
  readonly #cuts: readonly { readonly node: string; readonly tail: LogTail }[];
  readonly #firstSeen = new Map<string, number>();
  readonly #doubles = new Set<Pair>();
  #sample: Sample;
  #pending: PendingFact[] = [];
  #timer: NodeJS.Timeout | null = null;
  #longestGapMs = 0;
  #looks = 0;
  #failure: Error | null = null;

  constructor(cluster: KennelCluster, checkers: readonly Checker[]) {
    const { lab } = cluster;
    this.#cluster = cluster;
    this.log = this.#source();
    this.#readers = new Readers(checkers);
    this.#agents = lab
      .nodes()
      .map((node) => ({ node: node.name, tail: new LogTail(node.serviceLog('agent')) }));
    this.#cuts = lab.nodes().map((node) => ({
      node: node.name,
      tail: new LogTail(join(lab.layout.directory, 'bmc', String(node.number), 'cuts')),
    }));
    this.#sample = lookAtGround(lab, 0);
  }

  /** Milliseconds since the observer was made: the time of every fact and violation. */
  nowMs(): number {
    return performance.now() - this.#zeroMs;
  }

  /** Looks on from now until `stop`. */
  start(): void {
    const next = (): void => {
      this.look();
      this.#timer = setTimeout(next, lookEveryMs);
    };
    next();
  }

  /** @throws Error when it could not go on looking; nothing after that was judged. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.look();
    if (this.#failure !== null) throw this.#failure;
  }

  /** For whoever draws other conclusions from the same facts. @returns how to stop it. */
  listen(listener: (fact: Fact, atMs: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A fact that holds before whatever is read from now on. */
  noteNow(fact: Fact): void {
    this.#tell(fact, this.nowMs());
  }

  /** A fact of a moment ago. */
  noteAt(fact: Fact, atMs: number): void {
    this.#tell(fact, atMs);
  }

  /** A fact that may be judged only by what was written before it. */
  noteAfterWrites(fact: Fact): void {
    this.#pending.push({ fact, behind: null });
  }

  violated(checker: string, message: string): void {
    this.violations.push({ checker, atMs: Math.round(this.nowMs()), message });
  }

  summary(): { readonly looks: number; readonly longestGapMs: number; readonly revision: number } {
    return {
      looks: this.#looks,
      longestGapMs: Math.round(this.#longestGapMs),
      revision: this.log.revision,
    };
  }

  /** The last look at processes and kernels. */
  get sample(): Sample {
    return this.#sample;
  }

  /**
   * One look. Order matters: an agent notes a result before it answers, so its log is read after the
   * store's; a process that was already there at the last look was there when the store was read.
   */
  look(): void {
    if (this.#failure !== null) return;
    try {
      this.#look();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.violated('observer', `it cannot go on: ${this.#failure.message}`);
    }
  }

  #look(): void {
    const before = this.#sample;
    const commits = this.log.read();
    const settled = this.#settledFacts();
    const results = this.#agents.flatMap(({ node, tail }) =>
      tail.read().flatMap((line) => readAgentLine(node, line)),
    );
    const cuts = this.#cuts.flatMap(({ node, tail }) =>
      tail.read().map((line) => ({ node, boot: line.split(' ')[1] ?? '' })),
    );
    const nowMs = this.nowMs();
    const after = lookAtGround(this.#cluster.lab, nowMs);
    this.#looks += 1;
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - before.atMs);
    for (const { process } of after.domains) {
      if (!this.#firstSeen.has(process)) this.#firstSeen.set(process, nowMs);
    }
    const ground = groundBetween(before, after, (one) => this.#firstSeen.get(one) ?? nowMs);
    for (const fact of results) this.#tell(fact, nowMs);
    for (const { revision, changes, seenAtMs } of commits) {
      const facts = changes.map(({ key, text }): WriteFact => {
        const value = text === null ? null : objectIn(text);
        const proposed = seenAtMs === undefined ? {} : { proposedAtMs: seenAtMs };
        return { kind: 'write', revision, key, text, value, ground, ...proposed };
      });
      facts.sort((a, b) => rank(a.key) - rank(b.key));
      for (const fact of facts) this.#tell(fact, nowMs);
    }
    for (const { node, boot } of cuts) {
      this.#tell({ kind: 'powerCut', node, boot, state: 'on' }, nowMs);
    }
    for (const fact of settled) this.#tell(fact, nowMs);
    this.#processes(before, after, ground, nowMs);
    this.#sample = after;
  }

  #source(): CommitSource {
    const { lab } = this.#cluster;
    const managers = Array.from({ length: lab.managerCount }, (_, index) => index + 1);
    const directories = managers.map((manager) => storeDirectory(lab.layout, manager));
    return new MemberLogs(directories, () => this.nowMs());
  }

  /**
   * What was acknowledged when it was noted is on a disk by now; whether it is committed may be seen
   * only later, when a leader is elected.
   */
  #settledFacts(): readonly Fact[] {
    const { index, lastIndex } = this.log;
    for (const one of this.#pending) one.behind ??= lastIndex;
    const settled = this.#pending.filter(({ behind }) => (behind ?? lastIndex) <= index);
    this.#pending = this.#pending.filter((one) => !settled.includes(one));
    return settled.map(({ fact }) => fact);
  }

  #processes(before: Sample, after: Sample, ground: WriteFact['ground'], nowMs: number): void {
    const lasting = lastingDomains(before, after);
    for (const { node, vm, permit, process } of lasting) {
      if (this.#firstSeen.get(process) !== before.atMs) continue;
      this.#tell({ kind: 'vmRuns', node, vm, permit, running: true, ground }, nowMs);
    }
    const still = new Set(after.domains.map((one) => one.process));
    for (const { node, vm, permit, process } of before.domains) {
      if (still.has(process)) continue;
      this.#firstSeen.delete(process);
      this.#tell({ kind: 'vmRuns', node, vm, permit, running: false, ground }, nowMs);
    }
    for (const [index, one] of lasting.entries()) {
      const other = lasting.slice(index + 1).find((each) => each.vm === one.vm);
      if (other === undefined) continue;
      const pair = `${one.process} ${other.process}`;
      if (this.#doubles.has(pair)) continue;
      this.#doubles.add(pair);
      const boots = [one, other].map(
        (each) => `${each.node} (token ${each.permit?.token ?? 'none'})`,
      );
      this.violated('singleProcess', `${one.vm} has two processes: on ${boots.join(' and ')}`);
    }
  }

  #tell(fact: Fact, atMs: number): void {
    this.facts.set(fact.kind, (this.facts.get(fact.kind) ?? 0) + 1);
    for (const checker of this.#readers.of(fact)) {
      for (const message of checker.take(fact, atMs)) {
        this.violations.push({ checker: checker.name, atMs: Math.round(atMs), message });
      }
    }
    for (const listener of this.#listeners) listener(fact, atMs);
  }
}

function rank(key: string): number {
  const found = order.findIndex((each) => key.startsWith(each));
  return found < 0 ? order.length : found;
}

function objectIn(text: string): JsonObject | null {
  if (!text.startsWith('{')) return null;
  const parsed = JSON.parse(text) as Json;
  return isObject(parsed) ? parsed : null;
}
