import { decodeEntry, decodeHardState, type LogEntry } from '../../src/store/log/payload.ts';
import { recordType } from '../../src/store/log/record.ts';
import { entryTypes } from '../../src/store/raft/entry-form.ts';
import { CommittedState, type Commit, type CommitSource } from './committed.ts';
import { SegmentReader } from './segment-reader.ts';

/** Index of the snapshot that every store begins with; nothing is in it. */
const beginning = 1;

interface SeenEntry extends LogEntry {
  readonly seenAtMs: number;
}

/** What one member has on its disk, as far as it is not known to be committed. */
interface MemberLog {
  readonly reader: SegmentReader;
  readonly entries: Map<number, SeenEntry>;
  lastIndex: number;
  term: number;
  /** What it says itself is committed. */
  commit: number;
  /** By term: up to where it held entries of that term's leader, while it was in that term. */
  readonly held: Map<number, number>;
}

/**
 * The logs of managers that keep the store together, read from all their disks. An entry is
 * committed when a member has written down that it is, or, before any has, when a majority held it
 * or a later one of the same term while they were in that term: what the leader of that term counts
 * before it answers. That an older term's entry lies on a majority says nothing (Raft, §5.4.2).
 */
export class MemberLogs implements CommitSource {
  readonly #members: readonly MemberLog[];
  readonly #state = new CommittedState();
  readonly #nowMs: () => number;
  #index = beginning;

  /** @param directories of the stores of all voters. */
  constructor(directories: readonly string[], nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#members = directories.map((directory) => ({
      reader: new SegmentReader(directory),
      entries: new Map(),
      lastIndex: 0,
      term: 0,
      commit: 0,
      held: new Map(),
    }));
  }

  get revision(): number {
    return this.#state.revision;
  }

  get index(): number {
    return this.#index;
  }

  get lastIndex(): number {
    return Math.max(...this.#members.map((member) => member.lastIndex));
  }

  get(key: string): string | null {
    return this.#state.get(key);
  }

  list(prefix: string): readonly { readonly key: string; readonly value: string }[] {
    return this.#state.list(prefix);
  }

  /** @throws Error when an entry that is committed is on no disk any more. */
  read(): readonly Commit[] {
    for (const member of this.#members) this.#follow(member);
    const witnesses = this.#witnesses();
    const upTo = Math.max(...witnesses.map(({ index }) => index));
    const commits: Commit[] = [];
    while (this.#index < upTo) {
      const next = this.#index + 1;
      const found = witnesses
        .filter(({ index }) => index >= next)
        .flatMap(({ member }) => member.entries.get(next) ?? []);
      const [entry] = found;
      if (entry === undefined) throw new Error(`entry ${next} is committed and on no disk`);
      this.#index = next;
      const commit = this.#apply(entry);
      if (commit !== null) commits.push({ ...commit, seenAtMs: entry.seenAtMs });
    }
    for (const { entries } of this.#members) {
      for (const index of entries.keys()) if (index <= this.#index) entries.delete(index);
    }
    return commits;
  }

  #follow(member: MemberLog): void {
    const seenAtMs = this.#nowMs();
    member.reader.read(({ type, payload }) => {
      const entry = type === recordType.entry ? decodeEntry(payload) : null;
      if (entry !== null) this.#append(member, { ...entry, seenAtMs });
      const hard = type === recordType.hardState ? decodeHardState(payload) : null;
      if (hard === null) return;
      member.term = hard.term;
      member.commit = Math.max(member.commit, hard.commit);
      const last = member.entries.get(member.lastIndex);
      if (last?.term === hard.term) member.held.set(hard.term, member.lastIndex);
    });
  }

  /** A later entry of an index takes the place of the earlier one and of all behind it. */
  #append(member: MemberLog, entry: SeenEntry): void {
    for (let index = entry.index + 1; index <= member.lastIndex; index += 1) {
      member.entries.delete(index);
    }
    member.lastIndex = entry.index;
    if (entry.index > this.#index) member.entries.set(entry.index, entry);
    if (entry.term === member.term) member.held.set(entry.term, entry.index);
  }

  /** Members whose log is committed up to an index, each of which that is true for. */
  #witnesses(): readonly { readonly member: MemberLog; readonly index: number }[] {
    const majority = Math.floor(this.#members.length / 2) + 1;
    const said = this.#members.map((member) => ({ member, index: member.commit }));
    const terms = new Set(this.#members.flatMap(({ held }) => [...held.keys()]));
    const counted = [...terms].flatMap((term) => {
      const holders = this.#members
        .flatMap((member) => {
          const index = member.held.get(term);
          return index === undefined ? [] : [{ member, index }];
        })
        .sort((a, b) => b.index - a.index);
      const index = holders[majority - 1]?.index;
      return index === undefined
        ? []
        : holders.slice(0, majority).map((one) => ({ ...one, index }));
    });
    return [...said, ...counted];
  }

  #apply({ type, bytes }: SeenEntry): Commit | null {
    const isChange = entryTypes[type] === 'normal' && bytes.length > 0;
    return isChange ? this.#state.apply(bytes) : null;
  }
}
