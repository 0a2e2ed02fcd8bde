import type { Draft } from '../decide/draft.ts';
import type { PlacementPolicy } from '../model/placement-policy.ts';
import type { PlacementRule, RuleId } from '../model/placement-rule.ts';
import { ok, problem, type Outcome } from '../problem.ts';
import { ruleConflicts } from '../placement/rule-conflicts.ts';

/** Records a rule that contradicts none that is in force. It moves nothing that runs. */
export function addRule(draft: Draft, rule: PlacementRule): Outcome<PlacementRule> {
  if (draft.rule(rule.id) !== undefined) {
    return problem({
      code: 'E_NAME_TAKEN',
      what: `rule ${rule.id} is refused`,
      because: 'a rule of that name is there already',
      so: 'nothing was created',
      try: [`kennel rule show ${rule.id}`, `kennel rule rm ${rule.id}`],
    });
  }
  const missing =
    rule.type === 'nodes'
      ? Object.keys(rule.nodes).find((name) => !draft.nodes().some((node) => node.id === name))
      : undefined;
  if (missing !== undefined) {
    return problem({
      code: 'E_NOT_FOUND',
      what: `rule ${rule.id} is refused`,
      because: `there is no node ${missing}`,
      so: 'nothing was created',
      try: ['kennel node ls'],
    });
  }
  const nodes = draft.nodes().map((node) => node.id);
  const conflict = ruleConflicts([...draft.rules(), rule], nodes).find((one) =>
    one.rules.includes(rule.id),
  );
  if (conflict !== undefined) {
    const others = conflict.rules.filter((id) => id !== rule.id);
    return problem({
      code: 'E_RULE_CONFLICT',
      what: `rule ${rule.id} is refused`,
      because: conflict.because,
      so: 'nothing was created',
      try: [...others.map((id) => `kennel rule show ${id}`), 'make it a preference: --preferred'],
    });
  }
  draft.put(rule);
  draft.event({
    code: 'RULE_ADDED',
    severity: 'info',
    node: null,
    vm: null,
    text: `rule ${rule.id} is in force`,
  });
  return ok(rule);
}

export function removeRule(draft: Draft, id: RuleId): Outcome<PlacementRule> {
  const rule = draft.rule(id);
  if (rule === undefined) {
    return problem({
      code: 'E_NOT_FOUND',
      what: `there is no rule ${id}`,
      because: 'its name is not known here',
      so: 'nothing was changed',
      try: ['kennel rule ls'],
    });
  }
  draft.remove(rule);
  draft.event({
    code: 'RULE_REMOVED',
    severity: 'info',
    node: null,
    vm: null,
    text: `rule ${id} is removed`,
  });
  return ok(rule);
}

/** What is there already is left as it is, also where it has no failover capacity. */
export function setPlacementPolicy(
  draft: Draft,
  placement: PlacementPolicy,
): Outcome<PlacementPolicy> {
  draft.put({ ...draft.settings(), placement });
  draft.event({
    code: 'PLACEMENT_POLICY',
    severity: 'info',
    node: null,
    vm: null,
    text: 'how nodes are chosen was changed',
  });
  return ok(placement);
}
