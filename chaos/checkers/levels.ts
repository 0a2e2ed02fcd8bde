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

const facts = ['write', 'tool', 'bmc'] as const;

/** Clocks of managers differ, and a level begins a moment before it is recorded. */
const budgetShare = 0.85;
/** A leader knows of its own commit after so long, ms. */
const knownWithinMs = 1500;

interface Level {
  readonly devices: readonly string[];
  readonly budgetMs: number | null;
}

interface Fence {
  readonly node: string;
  level: number;
  /** Since when it acts; null = it does not. */
  actsSinceMs: number | null;
  readonly beganMs: number;
  isProven: boolean;
}

/**
 * Levels are tried in order, each for its time; a proof is of all devices of one level; and nothing is
 * switched on while a node is being switched off (FAILURES B4, B16).
 */
export class LevelChecker implements Checker {
  readonly name = 'levels';
  readonly facts = facts;
  readonly #levels = new Map<string, readonly Level[]>();
  readonly #fences = new Map<string, Fence>();
  /** Their first level was given up at once, by right: their BMC lets nobody in, or is another's. */
  readonly #useless = new Set<string>();
  #leader: string | null = null;

  take(fact: Fact, atMs: number): readonly string[] {
    switch (fact.kind) {
      case 'bmc':
        if (fact.mode === 'wrongPassword' || fact.mode === 'foreign') this.#useless.add(fact.node);
        return [];
      case 'tool':
        return fact.stage === 'started' && fact.action === 'on' ? this.#on(fact, atMs) : [];
      case 'write':
        if (fact.key === 'leader') {
          this.#leader = fact.value === null ? null : textAt(fact.value, 'candidate');
        }
        if (fact.key.startsWith('node/') && fact.value !== null) this.#node(fact.key, fact.value);
        return fact.key.startsWith('fence/') ? this.#fence(fact, atMs) : [];
      default:
        return [];
    }
  }

  #node(key: string, value: JsonObject): void {
    const topology = value['fenceTopology'];
    this.#levels.set(
      key.slice('node/'.length),
      Array.isArray(topology) ? topology.map(levelOf) : [],
    );
  }

  #fence({ key, value }: WriteFact, atMs: number): readonly string[] {
    if (value === null) return [];
    const node = textAt(value, 'node') ?? '';
    const level = numberAt(value, 'level') ?? 1;
    const known = this.#fences.get(key);
    const fence = known ?? { node, level, actsSinceMs: null, beganMs: atMs, isProven: false };
    this.#fences.set(key, fence);
    const problems: string[] = [];
    if (level > fence.level) problems.push(...this.#left(key, fence, level, atMs));
    const proof = objectAt(value, 'proof');
    if (proof !== null && !fence.isProven) problems.push(...this.#proven(key, node, proof));
    fence.isProven = proof !== null;
    const acts = textAt(value, 'phase') === 'acting';
    fence.actsSinceMs = acts ? (fence.actsSinceMs ?? atMs) : null;
    fence.level = level;
    return problems;
  }

  /** All levels that were passed had their time since the operation began. */
  #left(key: string, fence: Fence, level: number, atMs: number): readonly string[] {
    if (this.#useless.has(fence.node)) return [];
    const passed = (this.#levels.get(fence.node) ?? []).slice(0, level - 1);
    const dueMs = passed.reduce((sum, { budgetMs }) => sum + (budgetMs ?? 0), 0);
    const tookMs = atMs - fence.beganMs;
    if (tookMs >= dueMs * budgetShare) return [];
    return [
      `${key} left level ${level - 1} of ${fence.node} after ${Math.round(tookMs)} ms, its budget is ${dueMs} ms`,
    ];
  }

  #proven(key: string, node: string, proof: JsonObject): readonly string[] {
    const devices = proof['devices'];
    if (textAt(proof, 'kind') !== 'powerOff' || !Array.isArray(devices)) return [];
    const named = new Set(devices.map((each) => textAt(each as JsonObject, 'device')));
    const isWhole = (this.#levels.get(node) ?? []).some(
      (level) => level.devices.length > 0 && level.devices.every((device) => named.has(device)),
    );
    if (isWhole) return [];
    return [`${key} proves ${node} off by ${[...named].join(', ')}, which is no whole level of it`];
  }

  #on({ manager, bmcHost }: FactOf<'tool'>, atMs: number): readonly string[] {
    // One that was deposed may not know yet what its successor is doing.
    if (manager !== this.#leader) return [];
    for (const [key, { node, actsSinceMs }] of this.#fences) {
      if (actsSinceMs === null || !bmcHost.endsWith(`-${node}`)) continue;
      if (atMs - actsSinceMs < knownWithinMs) continue;
      return [`${manager} sends on to ${bmcHost} while ${key} powers ${node} off`];
    }
    return [];
  }
}

function levelOf(value: unknown): Level {
  const level = value as JsonObject;
  const devices = Array.isArray(level['devices']) ? level['devices'] : [];
  return {
    devices: devices.map((device) => textAt(device as JsonObject, 'id') ?? ''),
    budgetMs: numberAt(level, 'budgetMs'),
  };
}
