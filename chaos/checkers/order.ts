import {
  listAt,
  numberAt,
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type JsonObject,
  type WriteFact,
} from './history.ts';

const facts = ['write', 'startAsked', 'vmRuns'] as const;

/** What a leader heard of a VM may be that old when its decision is committed, ms. */
const staleMs = 10_000;
/** A guest that was copied to another node stops and starts within this, and is the same start, ms. */
const copiedMs = 2000;
/** Simulated guests answer no earlier after their process is there, ms. */
const guestBootMs = 1400;
/** Clocks of managers run that much off, at most. */
const rate = 0.9;

interface Life {
  bootedMs: number;
  /** Node, boot and token by which it ended; null = by none, as when a person started it. */
  place: string | null;
  /** Null while it runs. */
  endedMs: number | null;
}

interface Known {
  readonly id: string;
  readonly permit: string | null;
  /** Of its owner; the agent may have been restarted meanwhile. */
  readonly boot: string | null;
  /** Nobody waits for what is to go. */
  readonly isDeleting: boolean;
  /** Since when its record has said that it waits. */
  readonly waitsMs: number | null;
}

/**
 * A VM gets an owner only once those that it depends on are ready, or were waited for in vain
 * (FAILURES V20). A restart where it runs needs nothing of others.
 */
export class OrderChecker implements Checker {
  readonly name = 'order';
  readonly facts = facts;
  readonly #lives = new Map<string, Life>();
  /** VMs for which a boot was asked since they last ran. */
  readonly #asked = new Set<string>();
  readonly #byName = new Map<string, Known>();

  take(fact: Fact, atMs: number): readonly string[] {
    if (fact.kind === 'startAsked') this.#asked.add(fact.permit.vm);
    if (fact.kind === 'vmRuns') this.#runs(fact, atMs);
    if (fact.kind !== 'write' || !fact.key.startsWith('vm/')) return [];
    return this.#vm(fact, atMs);
  }

  #runs({ node, vm, permit, running, ground }: FactOf<'vmRuns'>, atMs: number): void {
    const life = this.#lives.get(vm);
    const place = permit === null ? null : `${node} ${ground.boots.get(node)} ${permit.token}`;
    if (!running) {
      if (life === undefined || ground.liveOn(vm).length > 0) return;
      Object.assign(life, { place, endedMs: atMs });
      return;
    }
    // No two boots have one token: whoever runs again by the same was only stood still, at the
    // switch-over of a migration that failed.
    const stood = place !== null && place === life?.place && !this.#asked.has(vm);
    this.#asked.delete(vm);
    const isCopied = life !== undefined && atMs - (life.endedMs ?? atMs) < copiedMs;
    if (life !== undefined && (stood || isCopied)) life.endedMs = null;
    else this.#lives.set(vm, { bootedMs: atMs, place, endedMs: null });
  }

  #vm(fact: WriteFact, atMs: number): readonly string[] {
    const id = fact.key.slice('vm/'.length);
    const { value } = fact;
    if (value === null) {
      for (const [name, known] of this.#byName) if (known.id === id) this.#byName.delete(name);
      return [];
    }
    const spec = objectAt(value, 'spec');
    const name = spec === null ? null : textAt(spec, 'name');
    if (spec === null || name === null) return [];
    const before = this.#byName.get(name);
    const permit = permitIn(objectAt(value, 'permit'));
    const wait = objectAt(value, 'wait');
    const now: Known = {
      id,
      permit: permit === null ? null : String(permit.token),
      boot: permit?.incarnation.split('.')[0] ?? null,
      isDeleting: value['deleting'] === true,
      waitsMs: wait === null ? null : (before?.waitsMs ?? atMs),
    };
    this.#byName.set(name, now);
    if (before === undefined || now.permit === null || now.permit === before.permit) return [];
    if (!isStart(value) || isRestart(before, now)) return [];
    const { waitsMs } = before;
    const proposedMs = fact.proposedAtMs ?? atMs;
    return listAt(spec, 'after').flatMap((one) => {
      const because = this.#notReady(one, { waitsMs, atMs, proposedMs });
      return because === null ? [] : [`${name} starts although ${because}`];
    });
  }

  #notReady(
    dependency: JsonObject,
    now: { readonly waitsMs: number | null; readonly atMs: number; readonly proposedMs: number },
  ): string | null {
    const name = textAt(dependency, 'vm') ?? '';
    const other = this.#byName.get(name);
    if (other === undefined || other.isDeleting) return null;
    const gate = objectAt(dependency, 'gate');
    const kind = gate === null ? 'running' : (textAt(gate, 'kind') ?? 'running');
    const delayMs = (gate === null ? null : numberAt(gate, 'ms')) ?? 0;
    const needsMs = kind === 'running' ? 0 : kind === 'delay' ? delayMs * rate : guestBootMs;
    if (this.#isReady(other.id, { needsMs, counts: kind === 'delay' }, now.proposedMs)) return null;
    const waitedMs = now.waitsMs === null ? 0 : now.atMs - now.waitsMs;
    const isOver = waitedMs >= (numberAt(dependency, 'timeoutMs') ?? 0) * rate;
    const holds = textAt(dependency, 'onTimeout') === 'hold';
    if (isOver && !holds) return null;
    return `${name} is not ready (${kind}); it waited ${Math.round(waitedMs)} ms`;
  }

  /** A delay is counted on by a leader that has not heard yet that the other is gone. */
  #isReady(
    id: string,
    { needsMs, counts }: { readonly needsMs: number; readonly counts: boolean },
    atMs: number,
  ): boolean {
    const life = this.#lives.get(id);
    if (life === undefined) return false;
    const untilMs = life.endedMs ?? atMs;
    const readyMs = (counts ? atMs : untilMs) - life.bootedMs;
    return atMs - untilMs < staleMs && readyMs >= needsMs - 50;
  }
}

function isStart(value: JsonObject): boolean {
  const operation = objectAt(value, 'operation');
  return operation !== null && textAt(operation, 'kind') === 'start';
}

/** It ended where it ran, and the same owner starts it again. */
function isRestart(before: Known, now: Known): boolean {
  return before.boot !== null && before.boot === now.boot;
}
