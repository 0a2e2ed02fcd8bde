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

const facts = ['write', 'delivered heartbeat', 'delivered sightings', 'releaseAsked'] as const;

/** Answers of this share of the window are fresh, whatever the way of the report took. */
const freshShare = 0.7;
/** A witness that was not heard by the leader for so long may be taken for a suspect, ms. */
const heardWithinMs = 600;
/** Between the decision to act and its commit something may have changed, ms. */
const decidedBeforeMs = 400;

interface Sighting {
  readonly bootId: string | null;
  readonly deliveredMs: number;
  readonly ageMs: number;
}

interface Fence {
  readonly node: string;
  phase: string | null;
}

interface NodeSeen {
  phase: string | null;
  incarnation: string | null;
  /** When losses were recorded that count against it, ms. */
  losses: number[];
}

/**
 * The guards of automatic fencing, by what was on the wire and in the store: no node is told to go off
 * that another node had an answer of, no more of them than the budgets say without a person's word,
 * and one that flaps is quarantined and gets no VM.
 */
export class GuardChecker implements Checker {
  readonly name = 'guards';
  readonly facts = facts;
  readonly #fences = new Map<string, Fence>();
  readonly #nodes = new Map<string, NodeSeen>();
  readonly #owners = new Map<string, { readonly node: string; readonly incarnation: string }>();
  /** By `witness>manager`, then node. */
  readonly #sightings = new Map<string, Map<string, Sighting>>();
  /** By `node>manager`. */
  readonly #heard = new Map<string, number>();
  readonly #told: { readonly node: string; readonly atMs: number }[] = [];
  readonly #acted = new Set<string>();
  #released: readonly string[] = [];
  #releaseAsked = false;
  #leader: string | null = null;
  #failAfterMs = 3000;
  #guards: JsonObject | null = null;

  take(fact: Fact, atMs: number): readonly string[] {
    if (fact.kind === 'message') {
      if (fact.stage === 'delivered') this.#message(fact, atMs);
      return [];
    }
    if (fact.kind === 'releaseAsked') this.#releaseAsked = true;
    return fact.kind === 'write' ? this.#write(fact, atMs) : [];
  }

  #message({ from, to, body }: FactOf<'message'>, atMs: number): void {
    const link = `${from}>${to}`;
    if (body['kind'] === 'heartbeat') this.#heard.set(link, atMs);
    if (body['kind'] !== 'sightings' || !Array.isArray(body['nodes'])) return;
    const seen = new Map<string, Sighting>();
    for (const one of body['nodes'] as readonly JsonObject[]) {
      const node = textAt(one, 'node');
      const ageMs = numberAt(one, 'ageMs');
      if (node === null || ageMs === null) continue;
      seen.set(node, { bootId: textAt(one, 'bootId'), deliveredMs: atMs, ageMs });
    }
    this.#sightings.set(link, seen);
  }

  #write(fact: WriteFact, atMs: number): readonly string[] {
    const { key, value } = fact;
    if (key === 'leader') this.#leader = value === null ? null : textAt(value, 'candidate');
    if (key === 'settings' && value !== null) {
      const timing = objectAt(value, 'timing');
      this.#failAfterMs = (timing === null ? null : numberAt(timing, 'failAfterMs')) ?? 3000;
      this.#guards = objectAt(value, 'guards');
    }
    if (key === 'governor') return this.#governor(value);
    if (key.startsWith('node/')) return this.#node(key.slice(5), value, atMs);
    if (key.startsWith('vm/')) return this.#vm(key, value);
    if (key.startsWith('fence/') && value !== null) return this.#fence(fact, value, atMs);
    return [];
  }

  /** Only a person takes nodes out of the budgets. */
  #governor(value: JsonObject | null): readonly string[] {
    const list = value === null ? null : value['released'];
    const released = Array.isArray(list) ? list.map(String) : [];
    const fresh = released.filter((node) => !this.#released.includes(node));
    this.#released = released;
    return fresh.length > 0 && !this.#releaseAsked
      ? [`nobody asked to release ${fresh.join(', ')}`]
      : [];
  }

  #fence(fact: WriteFact, value: JsonObject, atMs: number): readonly string[] {
    const node = textAt(value, 'node') ?? '';
    const phase = textAt(value, 'phase');
    const known = this.#fences.get(fact.key);
    const before = known?.phase ?? null;
    this.#fences.set(fact.key, { node, phase });
    const requestedBy = objectAt(value, 'requestedBy');
    const byPerson = requestedBy === null || textAt(requestedBy, 'kind') === 'person';
    if (known === undefined && !byPerson) this.#seen(node).losses.push(atMs);
    if (phase !== 'acting' || before === 'acting' || byPerson || value['override'] === true) {
      return [];
    }
    // Taken up again after its proof was revoked: it has acted already.
    if (this.#acted.has(fact.key)) return [];
    this.#acted.add(fact.key);
    const decidedMs = fact.proposedAtMs ?? atMs;
    const incarnation = objectAt(value, 'incarnation');
    const boot = incarnation === null ? null : textAt(incarnation, 'bootId');
    const problems = [
      ...this.#channels(fact.key, { node, boot }, decidedMs),
      ...this.#budgets(fact.key, node, decidedMs),
    ];
    this.#told.push({ node, atMs });
    return problems;
  }

  #channels(
    key: string,
    { node, boot }: { readonly node: string; readonly boot: string | null },
    atMs: number,
  ): readonly string[] {
    if (this.#leader === null) return [];
    for (const [witness, seen] of this.#nodes) {
      if (witness === node || seen.phase !== 'online' || this.#isWanted(witness)) continue;
      const link = `${witness}>${this.#leader}`;
      const heardMs = this.#heard.get(link);
      const sighting = this.#sightings.get(link)?.get(node);
      if (heardMs === undefined || atMs - heardMs > heardWithinMs) continue;
      if (sighting === undefined || sighting.bootId !== boot) continue;
      // What came while the write was under way could not be known.
      if (sighting.deliveredMs > atMs - decidedBeforeMs) continue;
      const ageMs = atMs - sighting.deliveredMs + sighting.ageMs;
      if (ageMs < this.#failAfterMs * freshShare) {
        return [
          `${key} acts against ${node}, of which ${witness} had an answer ${Math.round(ageMs)} ms before`,
        ];
      }
    }
    return [];
  }

  #budgets(key: string, node: string, atMs: number): readonly string[] {
    if (this.#released.includes(node)) return [];
    const problems: string[] = [];
    const total = this.#nodes.size;
    const wanted = new Set<string>();
    for (const fence of this.#fences.values()) {
      if (fence.phase !== 'intent' && fence.phase !== 'acting') continue;
      if (!this.#released.includes(fence.node)) wanted.add(fence.node);
    }
    const atOnce = this.#allowed('atOnce', total);
    if (atOnce !== null && wanted.size > atOnce) {
      problems.push(`${key} acts against ${node} while ${wanted.size} of ${total} nodes are lost`);
    }
    const windowMs = this.#guards === null ? null : numberAt(this.#guards, 'windowMs');
    const perWindow = this.#allowed('perWindow', total);
    if (windowMs === null || perWindow === null) return problems;
    const told = new Set(
      this.#told.filter((one) => atMs - one.atMs < windowMs).map((one) => one.node),
    );
    for (const released of this.#released) told.delete(released);
    told.add(node);
    if (told.size > perWindow) {
      problems.push(
        `${key} acts against ${node}: ${told.size} different nodes within the window, ${perWindow} are allowed`,
      );
    }
    return problems;
  }

  #allowed(budget: string, nodes: number): number | null {
    const part = this.#guards === null ? null : objectAt(this.#guards, budget);
    const count = part === null ? null : numberAt(part, 'count');
    const share = part === null ? null : numberAt(part, 'share');
    return count === null || share === null ? null : Math.max(count, Math.floor(share * nodes));
  }

  #node(name: string, value: JsonObject | null, atMs: number): readonly string[] {
    if (value === null) {
      this.#nodes.delete(name);
      return [];
    }
    const seen = this.#seen(name);
    const phase = textAt(value, 'phase');
    const before = seen.phase;
    const incarnation = objectAt(value, 'incarnation');
    seen.phase = phase;
    seen.incarnation = incarnation === null ? null : textAt(incarnation, 'id');
    if (before === 'quarantined' && phase === 'online') seen.losses = [];
    if (phase !== 'online' || before === 'online' || before === null) return [];
    const limit = this.#guards === null ? null : numberAt(this.#guards, 'flapLimit');
    const windowMs = this.#guards === null ? null : numberAt(this.#guards, 'flapWindowMs');
    if (limit === null || windowMs === null) return [];
    // One leaks away in each such part of the window: within one part none does.
    const recent = seen.losses.filter((each) => atMs - each < windowMs / limit);
    seen.losses = recent;
    const quarantined = [...this.#nodes.values()].filter((one) => one.phase === 'quarantined');
    const hasRoom = (quarantined.length + 1) * 2 <= this.#nodes.size;
    return recent.length > limit && hasRoom
      ? [`${name} is online after ${recent.length} losses within ${windowMs / limit} ms`]
      : [];
  }

  #vm(key: string, value: JsonObject | null): readonly string[] {
    const permit = value === null ? null : objectAt(value, 'permit');
    const node = permit === null ? null : textAt(permit, 'node');
    const incarnation = permit === null ? null : textAt(permit, 'incarnation');
    const before = this.#owners.get(key);
    if (node === null || incarnation === null) {
      this.#owners.delete(key);
      return [];
    }
    this.#owners.set(key, { node, incarnation });
    if (before?.node === node || this.#nodes.get(node)?.phase !== 'quarantined') return [];
    // What runs there already is adopted as it is.
    const operation = value === null ? null : objectAt(value, 'operation');
    if (operation === null || textAt(operation, 'kind') !== 'start') return [];
    return [`${key} is given to ${node}, which is quarantined`];
  }

  #isWanted(node: string): boolean {
    return [...this.#fences.values()].some(
      (fence) => fence.node === node && (fence.phase === 'intent' || fence.phase === 'acting'),
    );
  }

  #seen(name: string): NodeSeen {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const seen: NodeSeen = { phase: null, incarnation: null, losses: [] };
    this.#nodes.set(name, seen);
    return seen;
  }
}
