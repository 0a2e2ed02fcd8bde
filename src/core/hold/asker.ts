import { leastMembers, type HoldTimes } from './times.ts';

/** By node: when the latest question was sent that it answered with a promise. Boot-time ms. */
export type Promises = ReadonlyMap<string, number>;

/** Others that must promise: with the node itself they are at least half. Null = nobody is held. */
export function promisesNeeded(members: readonly string[], self: string): number | null {
  if (members.length < leastMembers || !members.includes(self)) return null;
  return Math.ceil(members.length / 2) - 1;
}

/**
 * Until when a node may go on without a lease, as of now, ms; null = too few promise. Counts from the
 * oldest of as many questions as are needed, the newest ones: at this instant all of those promises run.
 */
export function heldUntilMs(
  holder: { readonly members: readonly string[]; readonly self: string },
  promises: Promises,
  times: HoldTimes,
  nowMs: number,
): number | null {
  const { members, self } = holder;
  const needed = promisesNeeded(members, self);
  if (needed === null) return null;
  const running = members
    .filter((member) => member !== self)
    .map((member) => promises.get(member) ?? Number.NEGATIVE_INFINITY)
    .filter((sentMs) => nowMs < sentMs + times.promiseMs)
    .sort((a, b) => b - a);
  const oldestMs = running[needed - 1];
  return oldestMs === undefined ? null : oldestMs + times.leaseMs;
}

/**
 * Whether others are to be asked: no lease came for half the time after which they may promise.
 * The rest of it is for making connections.
 */
export function isInNeed(
  leasedMs: number,
  times: Pick<HoldTimes, 'bindMs'>,
  nowMs: number,
): boolean {
  return nowMs >= leasedMs + times.bindMs / 2;
}
