import {
  listAt,
  numberAt,
  objectAt,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type JsonObject,
  type WriteFact,
} from './history.ts';

const facts = [
  'write',
  'left heartbeat',
  'delivered hold',
  'left promiseAsk',
  'left promise',
  'petterTook',
] as const;

/** A node said that it holds a lease and makes no promise. */
interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Told {
  readonly atMs: number;
  readonly members: readonly string[];
}

/** Clocks of a run may differ by more than what is promised. */
const driftShare = 0.06;
/** A write may be committed so long after it was decided. */
const lateWriteMs = 4000;
/** Nothing older is asked for: longer than any bound. */
const keptMs = 60_000;
/** With fewer nobody is held. */
const leastMembers = 3;

/**
 * Promises and leases, from what passes on the wires: who said that it holds a lease promises nothing
 * for as long as it said; who promised says nothing of that kind before the promise has run out; a
 * proof by time is taken only when, by their own words, more than half of the nodes that the dead one
 * had been told of held leases all the time. And a kill that has begun is not called off.
 */
export class PeerHoldChecker implements Checker {
  readonly name = 'peerHold';
  readonly facts = facts;
  readonly #bound = new Map<string, Stretch[]>();
  /** By `asker>asked sequence`: when it was asked. */
  readonly #asked = new Map<string, number[]>();
  /** By who promised: until when its latest promise counts for the asker. */
  readonly #promised = new Map<string, number>();
  readonly #told = new Map<string, Told[]>();
  readonly #proven = new Set<string>();
  #promiseMs = 0;
  #timing: JsonObject | null = null;

  take(fact: Fact, atMs: number): readonly string[] {
    switch (fact.kind) {
      case 'message':
        return this.#message(fact, atMs);
      case 'petterTook':
        return this.#took(fact);
      case 'write':
        if (fact.value === null) return [];
        if (fact.key === 'settings') this.#timing = objectAt(fact.value, 'timing');
        return fact.key.startsWith('fence/') ? this.#fence(fact, fact.value, atMs) : [];
      default:
        return [];
    }
  }

  #message(fact: FactOf<'message'>, atMs: number): readonly string[] {
    const { from, to, stage, sentAtMs, body } = fact;
    switch (body['kind']) {
      case 'hold':
        return this.#learns(to, body, atMs);
      case 'promiseAsk': {
        const key = `${from}>${to} ${numberAt(body, 'sequence')}`;
        const times = (this.#asked.get(key) ?? []).filter((each) => atMs - each < keptMs);
        this.#asked.set(key, [...times, sentAtMs]);
        return [];
      }
      case 'promise':
        return stage === 'left' && body['promised'] === true ? this.#promises(fact) : [];
      case 'heartbeat':
        return this.#beats(from, numberAt(body, 'boundMs') ?? 0, sentAtMs);
      default:
        return [];
    }
  }

  #learns(node: string, body: JsonObject, atMs: number): readonly string[] {
    this.#promiseMs = numberAt(body, 'promiseMs') ?? 0;
    const members = listAt(body, 'members').flatMap((member) => textAt(member, 'name') ?? []);
    const told = this.#told.get(node) ?? [];
    this.#told.set(node, [...told.slice(-31), { atMs, members }]);
    return [];
  }

  #promises({ from, to, sentAtMs, body }: FactOf<'message'>): readonly string[] {
    const asked = this.#asked.get(`${to}>${from} ${numberAt(body, 'sequence')}`) ?? [];
    // The same number may have been used on an earlier connection: the oldest that still could count.
    const askedMs = asked.find((each) => sentAtMs - each < this.#promiseMs);
    if (askedMs !== undefined) {
      const untilMs = askedMs + this.#promiseMs * (1 - driftShare);
      this.#promised.set(from, Math.max(untilMs, this.#promised.get(from) ?? 0));
    }
    const broken = this.#bound
      .get(from)
      ?.find((one) => one.fromMs <= sentAtMs && sentAtMs < until(one, -driftShare));
    if (broken === undefined) return [];
    const leftMs = Math.round(broken.untilMs - sentAtMs);
    return [
      `${from} promises ${to} that it holds no lease, ${leftMs} ms before the end of what it told a manager`,
    ];
  }

  #beats(node: string, boundMs: number, sentAtMs: number): readonly string[] {
    if (boundMs <= 0) return [];
    const known = (this.#bound.get(node) ?? []).filter((one) => sentAtMs - one.untilMs < keptMs);
    this.#bound.set(node, [...known, { fromMs: sentAtMs, untilMs: sentAtMs + boundMs }]);
    const promisedMs = this.#promised.get(node) ?? 0;
    if (sentAtMs >= promisedMs) return [];
    return [
      `${node} has taken a lease ${Math.round(promisedMs - sentAtMs)} ms before its promise has run out`,
    ];
  }

  #took({ node, nowMs, before, alive }: FactOf<'petterTook'>): readonly string[] {
    if (before === null || nowMs < before.deadlineMs || alive.length === 0) return [];
    const lateMs = Math.round(nowMs - before.deadlineMs);
    return [
      `the petter of ${node} takes a new deadline ${lateMs} ms after the last one, while ${alive.join(', ')} are being killed`,
    ];
  }

  #fence({ key, proposedAtMs }: WriteFact, value: JsonObject, atMs: number): readonly string[] {
    if (objectAt(value, 'proof')?.['kind'] !== 'selfFence') {
      this.#proven.delete(key);
      return [];
    }
    if (this.#proven.has(key)) return [];
    this.#proven.add(key);
    const node = textAt(value, 'node') ?? '';
    const ms = (name: string): number => numberAt(this.#timing ?? {}, name) ?? 0;
    const boundMs = ms('leaseTtlMs') + ms('graceMs') + 2 * ms('watchdogMs') + ms('marginMs');
    const span = {
      fromMs: atMs - boundMs * (1 - driftShare),
      untilMs: (proposedAtMs ?? atMs) - lateWriteMs,
    };
    for (const members of this.#membershipsOf(node, span.fromMs)) {
      if (members.length < leastMembers || !members.includes(node)) continue;
      const gapMs = this.#gapIn(members, node, span);
      if (gapMs === null) continue;
      return [
        `${key} proves ${node} dead although no more than half of ${members.join(', ')} held leases ${Math.round(atMs - gapMs)} ms before, so the others may have held it`,
      ];
    }
    return [];
  }

  /** What the node was told last before, and everything since. */
  #membershipsOf(node: string, sinceMs: number): readonly (readonly string[])[] {
    const told = this.#told.get(node) ?? [];
    const before = told.findLastIndex((one) => one.atMs <= sinceMs);
    return told.slice(Math.max(0, before)).map(({ members }) => members);
  }

  /** An instant at which they were too few; null = there was none. */
  #gapIn(members: readonly string[], except: string, span: Stretch): number | null {
    const others = members.filter((member) => member !== except);
    const instants = others
      .flatMap((member) => this.#bound.get(member) ?? [])
      .map((one) => until(one, driftShare))
      .filter((atMs) => atMs > span.fromMs && atMs < span.untilMs);
    const gap = [span.fromMs, ...instants].find((atMs) => {
      const count = others.filter((member) =>
        this.#bound.get(member)?.some((one) => one.fromMs <= atMs && atMs < until(one, driftShare)),
      ).length;
      return 2 * count <= members.length;
    });
    return gap ?? null;
  }
}

/** The end of what was said, as a clock of its sender may count it. */
function until({ fromMs, untilMs }: Stretch, share: number): number {
  return fromMs + (untilMs - fromMs) * (1 + share);
}
