import {
  objectAt,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type JsonObject,
  type WriteFact,
} from './history.ts';

const facts = ['write', 'delivered hello', 'delivered heartbeat', 'bmc'] as const;

/**
 * A heartbeat of this age at the commit contradicts an Off, whatever the device says. A younger one
 * may have come while the write was under way, ms.
 */
const contradicts = { fromMs: 600, toMs: 2000 };
const keptHeartbeats = 16;

/** A leader that hears the dead has this long to take the proof back, a slow store included, ms. */
const revokedWithinMs = 8000;

interface Believed {
  readonly incarnation: string;
  readonly atMs: number;
  heardMs: number | null;
}

interface Known {
  readonly phase: string | null;
  readonly proof: JsonObject | null;
}

/**
 * A proof is looked for after the intent is committed, and is true: the boot that it declares dead
 * runs nowhere. Only a BMC that lies about a node nobody hears may be believed.
 */
export class ProofChecker implements Checker {
  readonly name = 'proofs';
  readonly facts = facts;
  readonly #fences = new Map<string, Known>();
  readonly #lying = new Set<string>();
  /** By node: when the last heartbeat was given to each manager, and which epoch is whose. */
  readonly #heard = new Map<string, Map<string, readonly number[]>>();
  /** Incarnation that speaks on each `node>manager`. */
  readonly #speaks = new Map<string, string>();
  readonly #believed = new Map<string, Believed>();
  #leader: string | null = null;

  take(fact: Fact, atMs: number): readonly string[] {
    switch (fact.kind) {
      case 'bmc':
        if (fact.mode === 'lieOff') this.#lying.add(fact.node);
        return [];
      case 'message':
        return fact.stage === 'delivered' ? this.#message(fact, atMs) : [];
      case 'write':
        if (fact.key === 'leader') {
          this.#leader = fact.value === null ? null : textAt(fact.value, 'candidate');
          // A new leader has to hear for itself.
          for (const believed of this.#believed.values()) believed.heardMs = null;
        }
        return fact.key.startsWith('fence/') ? this.#fence(fact, atMs) : [];
      default:
        return [];
    }
  }

  #message(fact: FactOf<'message'>, atMs: number): readonly string[] {
    const { from, to, body, sentAtMs } = fact;
    if (body['kind'] === 'hello') {
      const incarnation = objectAt(body, 'incarnation');
      this.#speaks.set(`${from}>${to}`, (incarnation && textAt(incarnation, 'id')) ?? '');
    }
    if (body['kind'] !== 'heartbeat') return [];
    const heard = this.#heard.get(from) ?? new Map<string, readonly number[]>();
    const times = [...(heard.get(to) ?? []), atMs].slice(-keptHeartbeats);
    this.#heard.set(from, heard.set(to, times));
    return to === this.#leader ? this.#lives(from, sentAtMs, atMs) : [];
  }

  /** Whoever was proven dead and is heard by the leader all the same takes the proof back. */
  #lives(node: string, sentAtMs: number, atMs: number): readonly string[] {
    const speaks = this.#speaks.get(`${node}>${this.#leader}`);
    const problems: string[] = [];
    for (const [key, believed] of this.#believed) {
      if (believed.incarnation !== speaks || sentAtMs <= believed.atMs) continue;
      believed.heardMs ??= atMs;
      if (atMs - believed.heardMs <= revokedWithinMs) continue;
      this.#believed.delete(key);
      problems.push(`${key} still says that ${node} is dead, which ${this.#leader} hears`);
    }
    return problems;
  }

  #fence(fact: WriteFact, atMs: number): readonly string[] {
    const { key, value } = fact;
    const before = this.#fences.get(key);
    if (value === null) return [];
    const phase = textAt(value, 'phase');
    const proof = objectAt(value, 'proof');
    this.#fences.set(key, { phase, proof });
    this.#believe(key, value, atMs);
    const problems: string[] = [];
    if (before === undefined && phase !== 'intent') {
      problems.push(`${key} begins as ${phase}: its intent was never committed by itself`);
    }
    if (phase === 'acting' && before?.phase === 'cancelled') {
      problems.push(`${key} acts although it was called off`);
    }
    if (proof !== null && (before?.proof ?? null) === null) {
      problems.push(...this.#judge(fact, value, proof, atMs));
    }
    return problems;
  }

  #believe(key: string, value: JsonObject, atMs: number): void {
    const dead = objectAt(value, 'incarnation');
    if (textAt(value, 'phase') !== 'proven' || dead === null) this.#believed.delete(key);
    else if (!this.#believed.has(key)) {
      this.#believed.set(key, { incarnation: textAt(dead, 'id') ?? '', atMs, heardMs: null });
    }
  }

  #judge(fact: WriteFact, value: JsonObject, proof: JsonObject, atMs: number): readonly string[] {
    const node = textAt(value, 'node') ?? '';
    const dead = objectAt(value, 'incarnation');
    const boot = dead === null ? null : textAt(dead, 'bootId');
    const kind = textAt(proof, 'kind') ?? 'none';
    if (boot === null || fact.ground.boots.get(node) !== boot) return [];
    if (kind === 'selfFence') return survivorsOn(fact, node);
    const ages = (this.#heard.get(node)?.get(this.#leader ?? '') ?? []).map((each) => atMs - each);
    const isHeard = ages.some((age) => age >= contradicts.fromMs && age < contradicts.toMs);
    if (kind === 'powerOff' && this.#lying.has(node) && !isHeard) return [];
    const last = ages.at(-1);
    const heard = last === undefined ? '' : `, last heard ${Math.round(last)} ms ago`;
    return [`${fact.key} proves ${node} dead by ${kind} while that boot of it runs${heard}`];
  }
}

/** A node that is proven dead by time may live on, without any VM that runs by a permit. */
function survivorsOn({ key, ground }: WriteFact, node: string): readonly string[] {
  return ground
    .liveAt(node)
    .filter(({ vm }) => ground.liveOn(vm).some((each) => each.node === node && each.token !== null))
    .map(({ vm }) => `${key} proves ${node} dead by time while ${vm} runs there`);
}
