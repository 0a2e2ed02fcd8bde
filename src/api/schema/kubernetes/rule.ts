import type { z } from 'zod';

/**
 * One rule in both its forms: as an API server of Kubernetes checks it, and as we do, for servers that
 * cannot. A property test compares their verdicts on a real server.
 */
export interface Rule<T> {
  /** In the Common Expression Language; `self` is the value. */
  readonly cel: string;
  readonly message: string;
  readonly holds: (value: T) => boolean;
}

/** A rule about what a value was before. CEL checks it on changes alone. */
export interface TransitionRule<T> {
  readonly cel: string;
  readonly message: string;
  readonly holds: (before: T, after: T) => boolean;
}

/** How rules stand in a schema of Kubernetes. */
export const celKey = 'x-kubernetes-validations';

interface CelRule {
  readonly rule: string;
  readonly message: string;
}

export function ruled<S extends z.ZodType>(
  schema: S,
  rules: readonly Rule<z.output<S>>[],
  transitions: readonly TransitionRule<z.output<S>>[] = [],
): S {
  const cel: CelRule[] = [...rules, ...transitions].map(({ cel: rule, message }) => ({
    rule,
    message,
  }));
  let checked = schema;
  for (const { holds, message } of rules) checked = checked.refine(holds, message);
  return checked.meta({ ...schema.meta(), [celKey]: cel });
}

/** The messages of the rules that a change breaks. */
export function brokenTransitions<T>(
  rules: readonly TransitionRule<T>[],
  before: T,
  after: T,
): readonly string[] {
  return rules.filter((rule) => !rule.holds(before, after)).map((rule) => rule.message);
}
