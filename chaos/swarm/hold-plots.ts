import type { RandomStream } from '../sim/random.ts';
import type { Cast } from './draw-faults.ts';
import type { Fault, FaultEffect } from './scenario.ts';

/** Chains of faults that peer hold is for, or that strike at it (docs/peer-hold.md). */
export const holdPlots = {
  /** No node hears a manager for a while, and most of them see each other. */
  managersAway: (random, cast) => {
    const lastMs = random.between(5000, 25_000);
    return [
      ...cast.nodes.map((node) =>
        away(node, random.between(0, 600), lastMs + random.between(-700, 700)),
      ),
      random.chance(0.4)
        ? at({ kind: 'crash', host: random.pick(cast.nodes) }, random.between(3000, lastMs), 0)
        : at({ kind: 'pause', host: random.pick(cast.nodes), beforeEffect: null }, 4500, 2500),
      ...(random.chance(0.4) ? [cutOff(random.pick(cast.nodes), lastMs / 2, lastMs)] : []),
    ];
  },
  /** Some nodes hold each other, the leader hears the rest of them. */
  someHold: (random, cast) => {
    const count = 1 + random.below(Math.max(1, Math.floor(cast.nodes.length / 2)));
    return someOf(random, cast.nodes, count).flatMap((node) => [
      dark(node, 70_000),
      away(node, 100, random.between(30_000, 60_000)),
    ]);
  },
  /** While a node waits for its time to be over, another one is not heard for a moment. */
  gapInMajority: (random, cast) => {
    const [first = '', ...others] = someOf(random, cast.nodes, cast.nodes.length);
    // So few that the others are half of all, and no more.
    const missed = others.slice(0, Math.max(1, Math.ceil(cast.nodes.length / 2) - 1));
    const gap = { atMs: random.between(5000, 14_000), lastsMs: random.between(3800, 6500) };
    return [
      dark(first, 70_000),
      random.chance(0.5) ? away(first, 100, 55_000) : cutOff(first, 100, 55_000),
      ...missed.map((node) => away(node, gap.atMs, gap.lastsMs)),
    ];
  },
  /** Nodes die while another one is cut off: it does not learn that they count no more. */
  shrunkBehind: (random, cast) => {
    const [last = '', ...lost] = someOf(random, cast.nodes, 1 + Math.floor(cast.nodes.length / 2));
    return [
      ...lost.map((node) => at({ kind: 'powerLoss', node, withBmc: false }, 0, 70_000)),
      dark(last, 70_000),
      away(last, random.between(2000, 5500), 60_000),
    ];
  },
  /** A VM that cannot be killed when its time is over, and a leader that is heard again just then. */
  killInHand: (random, cast) => {
    const node = random.pick(cast.nodes);
    return [
      at({ kind: 'unkillable', node }, 0, 30_000),
      dark(node, 30_000),
      cutOff(node, 100, random.between(5800, 7600)),
    ];
  },
} as const satisfies Readonly<
  Record<string, (random: RandomStream, cast: Cast) => readonly Fault[]>
>;

function at(effect: FaultEffect, atMs: number, lastsMs: number): Fault {
  return { ...effect, atMs: Math.round(atMs), lastsMs: Math.round(lastsMs) };
}

function away(node: string, atMs: number, lastsMs: number): Fault {
  return at({ kind: 'cutManagers', node }, atMs, lastsMs);
}

function cutOff(node: string, atMs: number, lastsMs: number): Fault {
  return at({ kind: 'isolate', host: node }, atMs, lastsMs);
}

/** Nobody reaches its BMC: time alone can prove it dead. */
function dark(node: string, lastsMs: number): Fault {
  return at({ kind: 'bmc', node, mode: { kind: 'unreachable' } }, 0, lastsMs);
}

function someOf(random: RandomStream, nodes: readonly string[], count: number): readonly string[] {
  const left = [...nodes];
  const chosen: string[] = [];
  while (chosen.length < count && left.length > 0) {
    chosen.push(...left.splice(random.below(left.length), 1));
  }
  return chosen;
}
