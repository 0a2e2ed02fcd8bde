import type { WriteOverlap } from '../sim/write-log.ts';

/**
 * Two processes that could write to one disk at once (I1), out of what the simulated storage saw. A
 * writer without any permit was started by a person's hand, past Kennel: that is for the person to
 * answer for, and `placement` judges what Kennel made of it.
 */
export function doubleWriters(overlaps: readonly WriteOverlap[]): readonly string[] {
  return overlaps
    .filter(({ first, second }) => first.writer.token !== null && second.writer.token !== null)
    .map(({ disk, first, second, fromMs }) => {
      const name = (one: typeof first): string => `${one.writer.node} (token ${one.writer.token})`;
      return `${disk} had two writers from ${Math.round(fromMs)} ms: ${name(first)} and ${name(second)}`;
    });
}
