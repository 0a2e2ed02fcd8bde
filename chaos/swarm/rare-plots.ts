import type { RandomStream } from '../sim/random.ts';
import { aNode, type Cast } from './draw-faults.ts';
import { fault, plots } from './plots.ts';
import type { Fault } from './scenario.ts';

/** Share of the seeds of any profile with faults in which one of these happens as well. */
const share = 0.06;

type Plot = (random: RandomStream, cast: Cast) => readonly Fault[];

/**
 * States that the draws of the profiles reach once in a thousand seeds, led to on purpose. They have a
 * stream of their own, so that the other seeds are what they are without them.
 */
const rarePlots: readonly Plot[] = [
  /** Agents whose state files have rotted. */
  (random, cast) =>
    cast.nodes
      .slice(0, 2)
      .map((host) => fault({ kind: 'disk', host, how: 'rot' }, random.between(0, 20_000), 1000)),
  /** A device that has a session for nobody, or does late what it is told. */
  (random, cast) => {
    const node = aNode(random, cast);
    const lateMs = Math.round(random.between(1000, 6000));
    const mode = random.pick([{ kind: 'noSession' }, { kind: 'delayed', ms: lateMs }] as const);
    return [
      fault({ kind: 'bmc', node, mode }, 0, random.between(20_000, 40_000)),
      fault({ kind: 'partition', hosts: [node] }, 100, 45_000),
    ];
  },
  /** The leader's disk is full while people ask for changes. */
  (random, cast) => [
    fault({ kind: 'disk', host: 'leader', how: 'full' }, 0, 15_000),
    ...[500, 4000, 8000].map((atMs) =>
      fault({ kind: 'ask', verb: 'stop', vm: 1 + random.below(cast.vms) }, atMs, 0),
    ),
    fault({ kind: 'ask', verb: 'start', vm: 1 + random.below(cast.vms) }, 12_000, 0),
  ],
  plots.startIntoPause,
];

/** Mostly none. */
export function drawRare(random: RandomStream, cast: Cast, faultsMs: number): readonly Fault[] {
  if (!random.chance(share)) return [];
  const beginMs = Math.round(random.between(6000, Math.max(7000, faultsMs - 25_000)));
  return random
    .pick(rarePlots)(random, cast)
    .map((each) => ({ ...each, atMs: beginMs + each.atMs }));
}
