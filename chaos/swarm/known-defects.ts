/** A defect that is known and not mended yet: its violations are counted and stop no campaign. */
export interface KnownDefect {
  readonly id: string;
  readonly checker: string;
  readonly message: RegExp;
}

/**
 * Kept empty if at all possible. Whoever mends one takes it off this list in the same change; the
 * tests in `known-defects.test.ts` turn red by themselves when one is gone.
 *
 * Beside these, `Scenario.recreate` keeps campaigns from making a deleted VM again: under its old
 * UUID its tokens and operation ids begin anew.
 */
export const knownDefects: readonly KnownDefect[] = [];

/** The id of the defect that a violation shows; null = it is news. */
export function knownDefectOf(checker: string, message: string): string | null {
  const found = knownDefects.find((each) => each.checker === checker && each.message.test(message));
  return found?.id ?? null;
}
