import type { Caller } from '../../api/cluster-service.ts';
import type {
  NewRule,
  PolicyView,
  RuleView,
  SiteSnapshotView,
} from '../../api/schema/placement.ts';
import { openDraft } from '../../core/decide/draft.ts';
import { snapshotOf } from '../../core/decide/site-of.ts';
import type { PlacementRule } from '../../core/model/placement-rule.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { addRule, removeRule, setPlacementPolicy } from '../../core/request/rule.ts';
import type { Leader } from '../leader.ts';
import type { Mirror } from '../mirror.ts';
import { asked } from './asked.ts';
import type { Sight } from './views.ts';

/** What plans rest on, without what placement does not look at. */
export function snapshotView({ mirror, observations }: Sight): SiteSnapshotView {
  const { nodes, vms, rules, vcpuOvercommit, policy } = snapshotOf(openDraft(mirror, observations));
  return {
    format: 'kennel-site/1',
    nodes: nodes.map((node) => ({ ...node, labels: { ...node.labels } })),
    vms: vms.map(({ id, spec, node, home, desired, tries }) => ({
      id,
      spec: {
        name: spec.name,
        vcpus: spec.vcpus,
        memoryMiB: spec.memoryMiB,
        priority: spec.priority,
        nodes: [...spec.nodes],
        separateFrom: [...spec.separateFrom],
      },
      node,
      home,
      desired,
      tries: { ...tries, nodes: [...tries.nodes] },
    })),
    rules: rules.map(ruleView),
    vcpuOvercommit,
    policy,
  };
}

export function rulesOf(mirror: Mirror): readonly RuleView[] {
  return [...mirror.rules.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).map(ruleView);
}

export async function addRuleFor(
  leader: Leader,
  body: NewRule,
  caller: Caller,
): Promise<Outcome<RuleView>> {
  const rule: PlacementRule = { kind: 'rule', ...body };
  const added = await leader.mutate((draft) => addRule(draft, rule), asked(caller));
  return added.kind === 'problem' ? added : ok(ruleView(added.value));
}

export async function removeRuleFor(
  leader: Leader,
  id: string,
  caller: Caller,
): Promise<Outcome<RuleView>> {
  const removed = await leader.mutate((draft) => removeRule(draft, id), asked(caller));
  return removed.kind === 'problem' ? removed : ok(ruleView(removed.value));
}

export function setPolicyFor(
  leader: Leader,
  body: PolicyView,
  caller: Caller,
): Promise<Outcome<PolicyView>> {
  return leader.mutate((draft) => setPlacementPolicy(draft, body), asked(caller));
}

function ruleView(rule: PlacementRule): RuleView {
  const view = { ...rule, vms: [...rule.vms] };
  return view.type === 'nodes' ? { ...view, nodes: { ...view.nodes } } : view;
}
