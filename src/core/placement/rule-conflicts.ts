import type { NodeRule, PlacementRule, RuleId, VmRule } from '../model/placement-rule.ts';
import { connectedSets } from './connected-sets.ts';

/** Why rules cannot stand beside each other. */
export type ConflictCode =
  | 'fewer-than-two-services'
  | 'service-in-multiple-node-rules'
  | 'more-apart-services-than-nodes'
  | 'contradicts-opposite-affinity'
  | 'node-rule-with-priorities-combined-with-service-affinity'
  | 'together-set-spans-multiple-node-rules'
  | 'apart-set-restricted-to-too-few-nodes';

export interface RuleConflict {
  readonly code: ConflictCode;
  /** Those that cannot stand together, sorted; none of them has an effect while they are there. */
  readonly rules: readonly RuleId[];
  readonly because: string;
}

/**
 * Every contradiction among enabled rules, given the nodes of the cluster. Rules about VMs count
 * when they are strict: a preference contradicts nothing. Each conflict is found on the rules as
 * they are, not on what is left after another one.
 */
export function ruleConflicts(
  rules: readonly PlacementRule[],
  nodes: readonly string[],
): readonly RuleConflict[] {
  const enabled = rules.filter((rule) => rule.enabled);
  const nodeRules = enabled.filter((rule) => rule.type === 'nodes');
  const strict = enabled.filter(
    (rule): rule is VmRule => (rule.type === 'together' || rule.type === 'apart') && rule.strict,
  );
  const together = strict.filter((rule) => rule.type === 'together');
  const apart = strict.filter((rule) => rule.type === 'apart');
  return [
    ...aboutMembers(strict, apart, nodes.length),
    ...aboutNodeRules(nodeRules),
    ...oppositeAffinity(together, apart),
    ...prioritiesInTheWay(strict, nodeRules),
    ...togetherOverNodeRules(together, nodeRules),
    ...apartInTooFewNodes(apart, nodeRules),
  ];
}

/** The enabled rules that no conflict takes out of force, in their order. */
export function rulesInForce(
  rules: readonly PlacementRule[],
  nodes: readonly string[],
): readonly PlacementRule[] {
  const out = new Set(ruleConflicts(rules, nodes).flatMap((one) => one.rules));
  return rules.filter((rule) => rule.enabled && !out.has(rule.id));
}

function conflict(code: ConflictCode, rules: readonly RuleId[], because: string): RuleConflict {
  return { code, rules: [...new Set(rules)].sort(), because };
}

function aboutMembers(
  strict: readonly VmRule[],
  apart: readonly VmRule[],
  nodes: number,
): readonly RuleConflict[] {
  const size = (rule: VmRule): number => new Set(rule.vms).size;
  return [
    ...strict
      .filter((rule) => size(rule) < 2)
      .map(({ id }) => conflict('fewer-than-two-services', [id], `${id} names fewer than two VMs`)),
    ...apart
      .filter((rule) => size(rule) > nodes)
      .map((rule) =>
        conflict(
          'more-apart-services-than-nodes',
          [rule.id],
          `${rule.id} keeps ${size(rule)} VMs apart and there are ${nodes} nodes`,
        ),
      ),
  ];
}

function aboutNodeRules(nodeRules: readonly NodeRule[]): readonly RuleConflict[] {
  const found: RuleConflict[] = [];
  const ruleIdsOf = new Map<string, RuleId[]>();
  for (const { id, vms } of nodeRules) {
    for (const vm of new Set(vms)) ruleIdsOf.set(vm, [...(ruleIdsOf.get(vm) ?? []), id]);
  }
  for (const [vm, ids] of ruleIdsOf) {
    if (ids.length < 2) continue;
    found.push(
      conflict('service-in-multiple-node-rules', ids, `${vm} has more than one rule about nodes`),
    );
  }
  return found;
}

function shared(a: { readonly vms: readonly string[] }, b: { readonly vms: readonly string[] }) {
  const members = new Set(a.vms);
  return [...new Set(b.vms)].filter((vm) => members.has(vm));
}

function oppositeAffinity(
  together: readonly VmRule[],
  apart: readonly VmRule[],
): readonly RuleConflict[] {
  return together.flatMap((one) =>
    apart.flatMap((other) => {
      const both = shared(one, other);
      if (both.length < 2) return [];
      return [
        conflict(
          'contradicts-opposite-affinity',
          [one.id, other.id],
          `${both.join(' and ')} are to share a node and not to share one`,
        ),
      ];
    }),
  );
}

function hasPriorities(rule: NodeRule): boolean {
  return new Set(Object.values(rule.nodes)).size > 1;
}

function prioritiesInTheWay(
  strict: readonly VmRule[],
  nodeRules: readonly NodeRule[],
): readonly RuleConflict[] {
  return strict.flatMap((rule) => {
    const met = nodeRules.filter((one) => shared(rule, one).length > 0);
    if (!met.some(hasPriorities)) return [];
    return [
      conflict(
        'node-rule-with-priorities-combined-with-service-affinity',
        [rule.id, ...met.map((one) => one.id)],
        `VMs of ${rule.id} have a rule that ranks nodes, so which node is right would depend on which are up`,
      ),
    ];
  });
}

function togetherOverNodeRules(
  together: readonly VmRule[],
  nodeRules: readonly NodeRule[],
): readonly RuleConflict[] {
  return connectedSets(together).flatMap(({ rules, vms }) => {
    const met = nodeRules.filter((one) => shared({ vms }, one).length > 0);
    if (met.length < 2) return [];
    const ids = met.map((one) => one.id);
    return [
      conflict(
        'together-set-spans-multiple-node-rules',
        [...rules.map((one) => one.id), ...ids],
        `VMs that share a node have different rules about nodes: ${ids.join(', ')}`,
      ),
    ];
  });
}

function apartInTooFewNodes(
  apart: readonly VmRule[],
  nodeRules: readonly NodeRule[],
): readonly RuleConflict[] {
  return apart.flatMap((rule) => {
    const met = nodeRules.filter((one) => shared(rule, one).length > 0);
    const bound = new Set(met.flatMap((one) => shared(rule, one)));
    const allowed = new Set(met.flatMap((one) => Object.keys(one.nodes)));
    if (allowed.size >= bound.size) return [];
    return [
      conflict(
        'apart-set-restricted-to-too-few-nodes',
        [rule.id, ...met.map((one) => one.id)],
        `${bound.size} VMs of ${rule.id} are bound to ${allowed.size} nodes`,
      ),
    ];
  });
}
