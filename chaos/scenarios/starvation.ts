import type { SimProcess } from '../sim/sim-process.ts';
import type { VirtualTime } from '../sim/virtual-time.ts';

/** As Linux shares CPU time out by quota, ms. */
const periodMs = 100;

interface Starved {
  readonly process: SimProcess | null;
}

const shares = new WeakMap<Starved, number>();

/**
 * Leaves the agent of a node so much of every period, 0 to 1; null = all of it. A process that begins
 * meanwhile is held back from the next period on.
 */
export function starve(time: VirtualTime, node: Starved, share: number | null): void {
  const isHeldBack = shares.has(node);
  if (share === null) shares.delete(node);
  else shares.set(node, share);
  if (share !== null && !isHeldBack) nextPeriod(time, node);
}

function nextPeriod(time: VirtualTime, node: Starved): void {
  const share = shares.get(node);
  if (share === undefined) return;
  const { process } = node;
  process?.pause('starved');
  time.schedule(periodMs * (1 - share), () => process?.resume('starved'));
  time.schedule(periodMs, () => nextPeriod(time, node));
}
