import type { NodeRecord } from '../model/node.ts';
import type { Observations } from '../observations.ts';
import type { Finding } from './findings.ts';

/** A machine that is refused comes back sooner than this; one that stays away is gone, ms. */
export const rivalWithinMs = 30_000;
/** The hello of a boot that is over may come once more, late. */
const leastTimes = 3;

/** Two machines speak in the name of one node: the disk of the second is a copy (FAILURES N23). */
export function rivalFindings({ id }: NodeRecord, observations: Observations): readonly Finding[] {
  const rival = observations.nodes.get(id)?.rival ?? null;
  if (rival === null || rival.times < leastTimes) return [];
  if (observations.nowMs - rival.atMs >= rivalWithinMs) return [];
  return [
    {
      code: 'NODE_TWICE',
      severity: 'critical',
      subject: id,
      text: `another machine speaks in its name (boot ${rival.bootId}) and is refused: its disk is a copy`,
      try: [
        'kennel node token, then kennel agent join on that machine, under a name of its own',
        `kennel explain ${id}`,
      ],
    },
  ];
}
