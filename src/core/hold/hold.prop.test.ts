import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId, type NodeId } from '../model/ids.ts';
import { defaultSettings } from '../model/settings.ts';
import { heldUntilMs } from './asker.ts';
import { majoritySinceMs, withConfirmation, type Stretch } from './majority.ts';
import { boundMs, offered, openPromiser, promised, type PromiserState } from './promiser.ts';
import { holdTimes } from './times.ts';

const timing = defaultSettings('default').timing;
const times = holdTimes(timing);

type Step =
  /** Time passes. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** The leader answers heartbeats of this node that were sent so long ago. */
  | { readonly kind: 'lease'; readonly node: number; readonly agoMs: number }
  /** This node's heartbeat arrives after so long; it answers what the leader sent so long before it. */
  | {
      readonly kind: 'beat';
      readonly node: number;
      readonly lateMs: number;
      readonly agoMs: number;
    }
  /** x asks this node; the question takes so long, and the answer. */
  | {
      readonly kind: 'ask';
      readonly node: number;
      readonly lateMs: number;
      readonly backMs: number;
    }
  /** This node's agent starts anew, with what it kept. */
  | { readonly kind: 'restart'; readonly node: number };

const span = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

function stepsFor(others: number): fc.Arbitrary<readonly Step[]> {
  const node = fc.integer({ min: 0, max: others - 1 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: span(1200) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('lease' as const), node, agoMs: span(1500) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('beat' as const),
        node,
        lateMs: span(800),
        agoMs: span(800),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('ask' as const),
        node,
        lateMs: span(800),
        backMs: span(800),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), node }) },
  );
  return fc.array(step, { minLength: 40, maxLength: 120 });
}

/** One node that promises, with its clock, and whether its disk says that it does. */
interface Other {
  readonly id: NodeId;
  readonly rate: number;
  state: PromiserState;
  promising: boolean;
}

/** A run of the protocol in true time; answers the instants at which x extended, and the deadlines. */
class Run {
  readonly #queue: { readonly atMs: number; readonly act: () => void }[] = [];
  readonly #others: readonly Other[];
  readonly #members: readonly NodeId[];
  readonly confirmed = new Map<NodeId, readonly Stretch[]>();
  readonly #promises = new Map<string, number>();
  readonly extensions: { readonly atMs: number; readonly untilMs: number }[] = [];
  nowMs = 0;

  constructor(rates: readonly number[]) {
    this.#others = rates.map((rate, index) => ({
      id: nodeId(`n${index}`),
      rate,
      state: openPromiser({ kind: 'none' }, 0),
      promising: false,
    }));
    this.#members = [nodeId('x'), ...this.#others.map(({ id }) => id)];
  }

  get members(): readonly NodeId[] {
    return this.#members;
  }

  do(step: Step): void {
    if (step.kind === 'wait') {
      this.#until(this.nowMs + step.ms);
      return;
    }
    const other = this.#others[step.node];
    if (other === undefined) return;
    const clockMs = (): number => this.nowMs * other.rate;
    switch (step.kind) {
      case 'lease': {
        const sentMs = Math.max(0, clockMs() - step.agoMs * other.rate);
        const { taken, state } = offered(other.state, sentMs, clockMs());
        other.state = state;
        if (taken) other.promising = false;
        break;
      }
      case 'beat': {
        const bound = boundMs(other.state, times, clockMs());
        const answeredMs = this.nowMs - step.agoMs;
        this.#later(step.lateMs, () => {
          const untilMs = answeredMs + bound / (1 + timing.clockRateBound);
          const known = this.confirmed.get(other.id) ?? [];
          const next = withConfirmation(known, { fromMs: this.nowMs, untilMs });
          this.confirmed.set(other.id, next);
        });
        break;
      }
      case 'ask': {
        const sentMs = this.nowMs;
        this.#later(step.lateMs, () => {
          const next = promised(other.state, times, clockMs());
          if (next === null) return;
          other.state = next;
          other.promising = true;
          this.#later(step.backMs, () => this.#answered(other.id, sentMs));
        });
        break;
      }
      case 'restart':
        other.state = openPromiser(
          { kind: 'kept', ...times, promising: other.promising },
          clockMs(),
        );
        break;
      default:
        step satisfies never;
    }
  }

  finish(): void {
    this.#until(this.nowMs + 5000);
  }

  #answered(node: NodeId, sentMs: number): void {
    this.#promises.set(node, Math.max(sentMs, this.#promises.get(node) ?? 0));
    const holder = { members: this.#members, self: 'x' };
    const untilMs = heldUntilMs(holder, this.#promises, times, this.nowMs);
    if (untilMs !== null) this.extensions.push({ atMs: this.nowMs, untilMs });
  }

  #later(ms: number, act: () => void): void {
    this.#queue.push({ atMs: this.nowMs + ms, act });
  }

  #until(atMs: number): void {
    for (;;) {
      const next = this.#queue
        .filter((one) => one.atMs <= atMs)
        .sort((one, two) => one.atMs - two.atMs)[0];
      if (next === undefined) break;
      this.#queue.splice(this.#queue.indexOf(next), 1);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
    }
    this.nowMs = atMs;
  }
}

/** Half of the bound each, against each other and against the leader and x, whose clocks are true. */
const rate = fc.constantFrom(0.9951, 1, 1.0049);

const run = fc
  .integer({ min: 2, max: 5 })
  .chain((others) =>
    fc.tuple(fc.array(rate, { minLength: others, maxLength: others }), stepsFor(others)),
  );

describe('peer hold, whatever happens to messages, clocks and agents', () => {
  it('is never extended at an instant at which more than half have confirmed their leases', () => {
    let extended = 0;
    let excluded = 0;
    fc.assert(
      fc.property(run, ([rates, steps]) => {
        const world = new Run(rates);
        for (const step of steps) {
          const before = world.extensions.length;
          world.do(step);
          extended += world.extensions.length - before;
        }
        world.finish();
        for (const { atMs, untilMs } of world.extensions) {
          expect(untilMs).toBeLessThanOrEqual(atMs + times.leaseMs);
          // What is confirmed of that instant may be learned of only later.
          const sinceMs = majoritySinceMs(world.members, nodeId('x'), world.confirmed, atMs);
          expect(sinceMs).toBeNull();
        }
        for (let atMs = 0; atMs < world.nowMs; atMs += 500) {
          if (majoritySinceMs(world.members, nodeId('x'), world.confirmed, atMs) !== null) {
            excluded += 1;
          }
        }
      }),
      { numRuns: 400 },
    );
    // Both happen, or the property says nothing.
    expect(extended).toBeGreaterThan(50);
    expect(excluded).toBeGreaterThan(50);
  });
});
