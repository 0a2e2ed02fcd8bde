import {
  numberAt,
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type JsonObject,
  type WriteFact,
} from './history.ts';

const facts = ['write'] as const;

/** Causes of moves that rules and load want; evacuations have rules of their own. */
const byPolicy: ReadonlySet<string> = new Set(['rule', 'failback', 'group', 'balance']);
/** Clocks of managers run that much off, at most. */
const rate = 0.9;

interface Seat {
  readonly name: string;
  /** Where it may run by its permit. */
  readonly node: string | null;
  readonly memoryMiB: number;
  /** Where a copy of it goes. */
  readonly goesTo: string | null;
  readonly cause: string | null;
  /** When it last got to where it is, or a copy of it was made. */
  readonly sinceMs: number;
}

/**
 * What moves VMs without being asked does it rarely, and makes nothing worse: none while the cluster is
 * disarmed, no VM that was moved or started a moment ago, none onto a node without room for it, none beside a
 * VM that a strict rule keeps it apart from.
 */
export class SelfMoveChecker implements Checker {
  readonly name = 'self-moves';
  readonly facts = facts;
  readonly #vms = new Map<string, Seat>();
  readonly #apart = new Map<string, readonly string[]>();
  readonly #memoryMiB = new Map<string, number>();
  #isDisarmed = false;
  #settleMs = 0;

  take(fact: Fact, atMs: number): readonly string[] {
    if (fact.kind !== 'write') return [];
    const { key, value } = fact;
    if (key === 'arming') this.#isDisarmed = value !== null && objectAt(value, 'disarmed') !== null;
    else if (key === 'settings' && value !== null) this.#settings(value);
    else if (key.startsWith('node/')) this.#node(key, value);
    else if (key.startsWith('rule/')) this.#rule(key, value);
    else if (key.startsWith('vm/')) return this.#vm(fact, atMs);
    return [];
  }

  #settings(value: JsonObject): void {
    const placement = objectAt(value, 'placement');
    const moves = placement === null ? null : objectAt(placement, 'selfMoves');
    this.#settleMs = (moves === null ? null : numberAt(moves, 'settleMs')) ?? 0;
  }

  #node(key: string, value: JsonObject | null): void {
    const capacity = value === null ? null : objectAt(value, 'capacity');
    const memoryMiB = capacity === null ? null : numberAt(capacity, 'memoryMiB');
    if (memoryMiB === null) this.#memoryMiB.delete(key.slice('node/'.length));
    else this.#memoryMiB.set(key.slice('node/'.length), memoryMiB);
  }

  #rule(key: string, value: JsonObject | null): void {
    const isStrict = value?.['strict'] === true && value['enabled'] === true;
    const vms = value?.['vms'];
    if (!isStrict || textAt(value, 'type') !== 'apart' || !Array.isArray(vms)) {
      this.#apart.delete(key);
      return;
    }
    this.#apart.set(
      key,
      vms.filter((one) => typeof one === 'string'),
    );
  }

  #vm({ key, value }: WriteFact, atMs: number): readonly string[] {
    const before = this.#vms.get(key);
    if (value === null) {
      this.#vms.delete(key);
      return [];
    }
    const now = seatOf(value, before, atMs);
    this.#vms.set(key, now);
    const begins = now.goesTo !== null && now.goesTo !== before?.goesTo;
    if (before === undefined || !begins || !byPolicy.has(now.cause ?? '')) return [];
    return this.#judge(before, now, now.goesTo, atMs);
  }

  #judge(before: Seat, now: Seat, to: string, atMs: number): readonly string[] {
    const said: string[] = [];
    const what = `${now.name} is moved to ${to} (${now.cause})`;
    if (this.#isDisarmed) said.push(`${what} although the cluster is disarmed`);
    const restedMs = atMs - before.sinceMs;
    // What shares a node follows at once.
    if (now.cause !== 'group' && restedMs < this.#settleMs * rate) {
      said.push(`${what} ${Math.round(restedMs)} ms after it came to ${before.node}`);
    }
    const there = [...this.#vms.values()].filter(
      ({ node, goesTo }) => node === to || goesTo === to,
    );
    const capacity = this.#memoryMiB.get(to) ?? 0;
    const promised = there.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
    if (promised > capacity) said.push(`${what}, which has ${capacity} MiB for ${promised} MiB`);
    for (const names of this.#apart.values()) {
      if (!names.includes(now.name)) continue;
      const other = there.find(({ name }) => name !== now.name && names.includes(name));
      if (other !== undefined)
        said.push(`${what} beside ${other.name}, from which it is kept apart`);
    }
    return said;
  }
}

function seatOf(value: JsonObject, before: Seat | undefined, atMs: number): Seat {
  const spec = objectAt(value, 'spec');
  const move = objectAt(value, 'move');
  const migration = move === null ? null : objectAt(move, 'migration');
  const target = migration === null ? null : permitIn(objectAt(migration, 'target'));
  const node = permitIn(objectAt(value, 'permit'))?.node ?? null;
  return {
    name: (spec === null ? null : textAt(spec, 'name')) ?? '',
    node,
    memoryMiB: (spec === null ? null : numberAt(spec, 'memoryMiB')) ?? 0,
    goesTo: target?.node ?? null,
    cause: move === null ? null : textAt(move, 'cause'),
    sinceMs: before === undefined || before.node !== node ? atMs : before.sinceMs,
  };
}
