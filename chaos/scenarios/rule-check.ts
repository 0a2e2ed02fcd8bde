import { z } from 'zod';
import type { PlacementRule } from '../../src/core/model/placement-rule.ts';
import { withImplied } from '../../src/core/placement/implied-rules.ts';
import { ruleConflicts, rulesInForce } from '../../src/core/placement/rule-conflicts.ts';
import { ruleSchema } from './schema.ts';

/** `ha-rule-check/1`: rules, and what of them cannot stand, or follows. */
const ruleCheckSchema = z.looseObject({
  format: z.literal('ha-rule-check/1'),
  id: z.string().min(1),
  nodes: z.array(z.string().min(1)),
  rules: z.array(ruleSchema),
  expect: z.looseObject({
    dropped: z.array(z.looseObject({ rule: z.string(), reason: z.string() })),
    effective_rules: z.record(
      z.string(),
      z.looseObject({
        kind: z.enum(['node-affinity', 'service-affinity']),
        services: z.array(z.string()),
        nodes: z.record(z.string(), z.number()).optional(),
        strict: z.boolean().optional(),
        affinity: z.enum(['together', 'apart']).optional(),
        enabled: z.boolean().optional(),
      }),
    ),
  }),
});

export interface RuleCheckResult {
  readonly id: string;
  readonly verdict: 'pass' | 'fail';
  readonly reasons: readonly string[];
}

/** Reasons that the product's conflicts have words for; a file's other words are not compared. */
const knownReasons: ReadonlySet<string> = new Set([
  'fewer-than-two-services',
  'service-in-multiple-node-rules',
  'more-apart-services-than-nodes',
  'contradicts-opposite-affinity',
  'node-rule-with-priorities-combined-with-service-affinity',
  'together-set-spans-multiple-node-rules',
  'apart-set-restricted-to-too-few-nodes',
]);

/**
 * Compares what the product makes of a file's rules with what the file says: which rules cannot
 * stand and why, and what is left with all that follows from it. Derived rules have names of their
 * own and are compared by what they say. `name` stands in for the id of a file that is no rule check.
 */
export function checkRuleFile(name: string, text: string): RuleCheckResult {
  const loaded = parse(text);
  if (typeof loaded === 'string')
    return { id: name, verdict: 'fail', reasons: [`invalid: ${loaded}`] };
  const { id, nodes, expect } = loaded;
  const rules = loaded.rules.flatMap(productRule);
  const conflicts = ruleConflicts(rules, nodes);
  const reasons = [
    ...compareDropped(
      conflicts.flatMap((one) => one.rules.map((rule) => ({ rule, reason: one.code as string }))),
      expect.dropped,
    ),
    ...compareEffective(
      [...withImplied(rulesInForce(rules, nodes)), ...rules.filter((rule) => !rule.enabled)].map(
        neutral,
      ),
      Object.entries(expect.effective_rules).map(([ruleId, rule]) => ({ ...rule, id: ruleId })),
    ),
  ];
  return { id, verdict: reasons.length === 0 ? 'pass' : 'fail', reasons };
}

function parse(text: string): z.infer<typeof ruleCheckSchema> | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const parsed = ruleCheckSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
}

function productRule(rule: z.infer<typeof ruleSchema>): readonly PlacementRule[] {
  if (rule.kind === 'legacy-group') return [];
  const { id, services: vms, strict, enabled } = rule;
  const base = { kind: 'rule', id, vms, strict, enabled } as const;
  return rule.kind === 'node-affinity'
    ? [{ ...base, type: 'nodes', nodes: rule.nodes, failback: true }]
    : [{ ...base, type: rule.affinity }];
}

interface Dropped {
  readonly rule: string;
  readonly reason: string;
}

function compareDropped(is: readonly Dropped[], should: readonly Dropped[]): readonly string[] {
  const left = new Set(is.map((one) => one.rule));
  const wanted = new Set(should.map((one) => one.rule));
  return [
    ...[...left].filter((id) => !wanted.has(id)).map((id) => `${id} is dropped and should not be`),
    ...[...wanted].filter((id) => !left.has(id)).map((id) => `${id} is not dropped`),
    ...should
      .filter(({ rule, reason }) => left.has(rule) && knownReasons.has(reason))
      .filter(({ rule, reason }) => !is.some((one) => one.rule === rule && one.reason === reason))
      .map(({ rule, reason }) => `${rule} is dropped, and not because of ${reason}`),
  ];
}

interface NeutralRule {
  readonly id: string;
  readonly kind: string;
  readonly services: readonly string[];
  readonly nodes?: Readonly<Record<string, number>> | undefined;
  readonly strict?: boolean | undefined;
  readonly affinity?: string | undefined;
  readonly enabled?: boolean | undefined;
}

function neutral(rule: PlacementRule): NeutralRule {
  const { id, vms: services, enabled } = rule;
  return rule.type === 'nodes'
    ? { id, kind: 'node-affinity', services, nodes: rule.nodes, strict: rule.strict, enabled }
    : { id, kind: 'service-affinity', services, affinity: rule.type, enabled };
}

/** What a rule says; its name too, unless it was derived. */
function contentOf(rule: NeutralRule): string {
  const { id, kind, services, nodes = {}, strict = false, affinity, enabled = true } = rule;
  const isNodes = kind === 'node-affinity';
  return JSON.stringify([
    id.startsWith('_') ? '(derived)' : id,
    kind,
    [...new Set(services)].sort(),
    Object.entries(nodes).sort(([a], [b]) => (a < b ? -1 : 1)),
    isNodes ? strict : affinity,
    enabled,
  ]);
}

function compareEffective(
  is: readonly NeutralRule[],
  should: readonly NeutralRule[],
): readonly string[] {
  const has = new Set(is.map(contentOf));
  const wanted = new Set(should.map(contentOf));
  return [
    ...is
      .filter((rule) => !wanted.has(contentOf(rule)))
      .map((rule) => `in force and should not be: ${contentOf(rule)}`),
    ...should
      .filter((rule) => !has.has(contentOf(rule)))
      .map((rule) => `not in force: ${contentOf(rule)}`),
  ];
}
