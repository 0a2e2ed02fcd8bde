import {
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
  'arrived hello',
  'arrived heartbeat',
  'powerCut',
  'fenceAsked',
  'tool',
  'bmc',
  'leaderFooled',
] as const;

/** What a decision may be late by when it is committed: a pause just before the write, ms. */
const lateMs = 8000;
/** Share of the configured silence that must be seen; timers and clocks differ a little. */
const silenceShare = 0.9;
/** A power command without a good end is not repeated sooner than this, ms; the promise is 5 s. */
const repeatedWithinMs = 4500;

/** What a device may be asked: `cycle` and `reset` end with power, and prove nothing. */
const askable: ReadonlySet<string> = new Set(['guid', 'status', 'off', 'on']);

interface Fence {
  readonly node: string;
  readonly boot: string;
  phase: string | null;
  actedAtMs: number | null;
}

/**
 * No healthy node loses its power unless somebody asked (I3). Silence is judged by what reached the
 * leader's host, not by what the leader noticed; power is cut only under a committed operation
 * against that very node; not more than half of the nodes are fenced at once; and a power command
 * with an unknown end is not simply sent again.
 */
export class PowerChecker implements Checker {
  readonly name = 'power';
  readonly facts = facts;
  /** Incarnation that each node's record has. */
  readonly #nodes = new Map<string, string | null>();
  readonly #fences = new Map<string, Fence>();
  readonly #asked = new Set<string>();
  readonly #late = new Set<string>();
  /** By `node>manager`: when heartbeats reached the manager's host, the last few. */
  readonly #arrivals = new Map<string, number[]>();
  readonly #leaderSinceMs = new Map<string, number>();
  readonly #lastOffEndMs = new Map<string, number>();
  #failAfterMs = 3000;
  #maxLostShare = 0.5;
  /** A person took their incident on: they may all be powered off. */
  #released: readonly string[] = [];
  #leader: string | null = null;
  #epoch = 0;

  take(fact: Fact, atMs: number): readonly string[] {
    switch (fact.kind) {
      case 'write':
        return this.#written(fact, atMs);
      case 'message':
        if (fact.stage === 'arrived' && isLife(fact.body)) this.#arrived(fact, atMs);
        return [];
      case 'powerCut':
        return this.#cut(fact, atMs);
      case 'fenceAsked':
        this.#asked.add(fact.node);
        return [];
      case 'bmc':
        if (fact.mode === 'delayed' || fact.mode === 'slow') this.#late.add(fact.node);
        return [];
      case 'tool':
        if (!askable.has(fact.action)) return [`${fact.manager} asks a device to ${fact.action}`];
        return fact.action === 'off' ? this.#tool(fact, atMs) : [];
      default:
        return [];
    }
  }

  #arrived({ from, to }: FactOf<'message'>, atMs: number): void {
    const key = `${from}>${to}`;
    const list = this.#arrivals.get(key) ?? [];
    list.push(atMs);
    if (list.length > 128) list.splice(0, 64);
    this.#arrivals.set(key, list);
  }

  #written(fact: WriteFact, atMs: number): readonly string[] {
    const { key, value } = fact;
    if (key === 'leader') {
      this.#leader = value === null ? null : textAt(value, 'candidate');
      this.#epoch = fact.revision;
      if (this.#leader !== null) this.#leaderSinceMs.set(this.#leader, atMs);
    } else if (key === 'settings' && value !== null) {
      const timing = objectAt(value, 'timing');
      this.#failAfterMs = (timing === null ? null : numberAt(timing, 'failAfterMs')) ?? 3000;
      this.#maxLostShare = numberAt(value, 'maxLostShare') ?? 0.5;
    } else if (key === 'governor') {
      const released = value === null ? null : value['released'];
      this.#released = Array.isArray(released) ? released.map(String) : [];
    } else if (key.startsWith('node/')) {
      this.#node(key.slice('node/'.length), value);
    } else if (key.startsWith('fence/') && value !== null) {
      return this.#fence(fact, value, atMs);
    }
    return [];
  }

  #node(name: string, value: JsonObject | null): void {
    if (value === null) {
      this.#nodes.delete(name);
      return;
    }
    const incarnation = objectAt(value, 'incarnation');
    this.#nodes.set(name, incarnation === null ? null : textAt(incarnation, 'id'));
  }

  #fence(fact: WriteFact, value: JsonObject, atMs: number): readonly string[] {
    const node = textAt(value, 'node') ?? '';
    const phase = textAt(value, 'phase');
    const before = this.#fences.get(fact.key);
    const incarnation = objectAt(value, 'incarnation');
    const boot = (incarnation === null ? null : textAt(incarnation, 'bootId')) ?? '';
    const fence = before ?? { node, boot, phase: null, actedAtMs: null };
    this.#fences.set(fact.key, fence);
    const requestedBy = objectAt(value, 'requestedBy');
    const byPerson = requestedBy !== null && textAt(requestedBy, 'kind') === 'person';
    const problems: string[] = [];
    if (byPerson && !this.#asked.has(node)) problems.push(`nobody asked to fence ${node}`);
    const judged = !byPerson && value['override'] !== true && phase !== fence.phase;
    const acts = phase === 'acting' && fence.actedAtMs === null;
    if (judged && (before === undefined || acts) && fact.ground.boots.get(node) === boot) {
      // What was decided is judged by what was known then: an entry may lie long without a quorum.
      const decidedMs = fact.proposedAtMs ?? atMs;
      const what = `${fact.key} against ${node} ${acts ? 'acts' : 'is wanted'}`;
      problems.push(...this.#notSilent(node, what, decidedMs));
    }
    if (acts) {
      fence.actedAtMs = atMs;
      if (judged) problems.push(...this.#storm(fact.key, node));
    }
    fence.phase = phase;
    return problems;
  }

  /** Nothing to say when there was a gap of the length that the settings ask for. */
  #notSilent(node: string, what: string, atMs: number): readonly string[] {
    if (this.#leader === null) return [];
    const sinceMs = atMs - this.#failAfterMs - lateMs;
    const leadingMs = this.#leaderSinceMs.get(this.#leader) ?? 0;
    const heard = this.#arrivals.get(`${node}>${this.#leader}`) ?? [];
    const within = heard.filter((each) => each > sinceMs && each <= atMs);
    const points = [Math.max(sinceMs, 0), ...within, atMs];
    const gaps = points.map((point, index) => point - (points[index - 1] ?? point));
    const longestMs = Math.max(...gaps);
    if (longestMs >= this.#failAfterMs * silenceShare) return [];
    const known = Math.round(atMs - leadingMs);
    return [
      `${what} although its heartbeats reach ${this.#leader}: longest gap ${Math.round(longestMs)} ms, leading for ${known} ms`,
    ];
  }

  /** An operation against it is open. */
  #isWanted(node: string): boolean {
    return [...this.#fences.values()].some(
      (fence) => fence.node === node && (fence.phase === 'intent' || fence.phase === 'acting'),
    );
  }

  #storm(key: string, target: string): readonly string[] {
    if (this.#released.includes(target)) return [];
    let lost = 0;
    let total = 0;
    for (const [name, incarnation] of this.#nodes) {
      if (incarnation === null) continue;
      total += 1;
      if (name === target || this.#isWanted(name)) lost += 1;
    }
    if (lost <= 1 || lost / total <= this.#maxLostShare) return [];
    return [`${key} acts against ${target} while ${lost} of ${total} nodes are lost at once`];
  }

  #cut({ node, boot, state }: FactOf<'powerCut'>, atMs: number): readonly string[] {
    if (state === 'off') return [];
    const tolerance = this.#late.has(node) ? 180_000 : 60_000;
    for (const fence of this.#fences.values()) {
      if (fence.node !== node || fence.actedAtMs === null) continue;
      const open = fence.phase === 'acting';
      if (open || atMs - fence.actedAtMs < tolerance) return [];
    }
    return [`${node} (${state}, boot ${boot}) lost its power and no operation against it acts`];
  }

  #tool({ stage, manager, bmcHost, exitCode }: FactOf<'tool'>, atMs: number): readonly string[] {
    // One operation under one leadership; the next one reads anew, and may have to act at once.
    const acting = [...this.#fences].filter(([, fence]) => fence.phase === 'acting');
    const key = `${manager}/${this.#epoch}>${bmcHost} ${acting.map(([id]) => id).join()}`;
    if (stage === 'ended') {
      if (exitCode !== 0) this.#lastOffEndMs.set(key, atMs);
      return [];
    }
    const endedMs = this.#lastOffEndMs.get(key);
    this.#lastOffEndMs.delete(key);
    if (endedMs === undefined || atMs - endedMs > repeatedWithinMs) return [];
    return [`${manager} sent off to ${bmcHost} again ${Math.round(atMs - endedMs)} ms later`];
  }
}

function isLife(body: JsonObject): boolean {
  return body['kind'] === 'heartbeat' || body['kind'] === 'hello';
}
