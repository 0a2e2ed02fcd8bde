import type { Scenario, ScenarioRule } from './schema.ts';

/**
 * What some scenario asks for and the product does not have. The key is what a reason says after
 * `needs:`; the text is for docs/scenarios.md.
 */
export const missingFeatures = {
  'live migration': 'moving a running VM to another node, by command or by decision',
  'migrate and relocate verbs': '`service.migrate` and `service.relocate`',
  'maintenance verbs': 'switching maintenance on and off, evacuation, return',
  'shutdown policies': 'freeze or migrate VMs when a node is shut down or rebooted by its OS',
  'preferred nodes': 'node affinity that is not strict, or has priorities',
  'keep-together rules': 'service affinity `together`',
  'rule enforcement': 'moving a running VM because a placement rule says so, failback included',
  'legacy groups': 'the older form of node affinity',
  'disarm and arm': 'switching all automatic action off and on',
  locks: 'VMs that are locked by a backup or a migration',
  'auto-rebalance': 'moving running VMs to even out load',
  'rebalance on start': 'choosing another node for a VM before its first start',
  'measured usage': 'placement by measured instead of configured load',
  'restart and relocate limits': 'tries on the same node and on others, per VM',
  'error state after a failed stop':
    'a VM that cannot be stopped is left alone until a person acts',
  'desired states by command': 'making an existing VM `disabled` or `ignored`',
  'forget a running VM': 'removing a VM from management without stopping it',
  'VMs moved by hand': 'taking note of a move that was made past the manager',
  'adoption in the simulator': 'a VM that runs already when it is put under management',
  'self-fencing': 'a node that stops its own VMs when its lease is over',
  'software versions': 'rules about nodes of different versions',
  'pauses of the other simulator': 'actions that exist only in the simulator of the other system',
  'foreign manager state': 'a belief of another manager that has no counterpart here',
} as const;

export type MissingFeature = keyof typeof missingFeatures;

/**
 * The features without which a scenario cannot be replayed to its expected end, sorted. Read from
 * what it does and from what it expects: an expected live migration cannot happen by luck.
 */
export function needsOf(scenario: Scenario): readonly MissingFeature[] {
  const needs = new Set<MissingFeature>([
    ...needsOfPolicies(scenario),
    ...scenario.rules.filter((rule) => rule.enabled).flatMap(needsOfRule),
    ...needsOfServices(scenario),
    ...scenario.timeline.flatMap((action) => needsOfAction(scenario, action)),
    ...scenario.expect.moves.flatMap(needsOfMove),
    ...needsOfInitialState(scenario),
  ]);
  const confirmed = new Set(scenario.expect.fence_confirmed.map((one) => one.node));
  if (scenario.expect.self_fenced.some((one) => !confirmed.has(one.node)))
    needs.add('self-fencing');
  return [...needs].sort();
}

/** True for a policy or a rule that has nothing to act on. */
function isEmpty(scenario: Scenario): boolean {
  return (
    scenario.services.length === 0 &&
    !scenario.timeline.some((action) => action.action === 'service.add')
  );
}

function needsOfPolicies(scenario: Scenario): readonly MissingFeature[] {
  const { shutdown = 'conditional', placement } = scenario.cluster.policies;
  const needs: MissingFeature[] = [];
  const has = (action: string): boolean => scenario.timeline.some((one) => one.action === action);
  // Without a policy of its own a node that goes down is simply lost, which is `failover`.
  const shutdownIsFailover = shutdown === 'failover' || shutdown === 'conditional';
  if (has('node.shutdown') && !shutdownIsFailover) needs.push('shutdown policies');
  if (has('node.reboot') && shutdown !== 'failover') needs.push('shutdown policies');
  if (isEmpty(scenario) || placement === undefined) return needs;
  if (placement.rebalance_on_start === true) needs.push('rebalance on start');
  if (placement.auto_rebalance !== undefined) needs.push('auto-rebalance');
  if (placement.mode === 'measured-usage') needs.push('measured usage');
  return needs;
}

function needsOfRule(rule: ScenarioRule): readonly MissingFeature[] {
  switch (rule.kind) {
    case 'legacy-group':
      return ['legacy groups'];
    case 'service-affinity':
      return rule.affinity === 'together' ? ['keep-together rules'] : [];
    case 'node-affinity':
      return rule.strict && new Set(Object.values(rule.nodes)).size <= 1 ? [] : ['preferred nodes'];
    default:
      return rule satisfies never;
  }
}

function needsOfServices(scenario: Scenario): readonly MissingFeature[] {
  const needs: MissingFeature[] = [];
  const changed = new Map<string, Set<string>>();
  for (const action of scenario.timeline) {
    if (action.action !== 'service.set_desired') continue;
    changed.set(action.service, (changed.get(action.service) ?? new Set()).add(action.desired));
  }
  for (const service of scenario.services) {
    const wanted = new Set([service.desired, ...(changed.get(service.id) ?? [])]);
    const { faults } = service;
    if (service.lock !== undefined) needs.push('locks');
    if ((faults?.start_fails ?? 0) > 0 && wanted.has('running')) {
      needs.push('restart and relocate limits');
    }
    if (faults?.stop_never_succeeds === true && wanted.has('running') && wanted.size > 1) {
      needs.push('error state after a failed stop');
    }
  }
  return needs;
}

function needsOfAction(
  scenario: Scenario,
  action: Scenario['timeline'][number],
): readonly MissingFeature[] {
  switch (action.action) {
    case 'node.maintenance':
      return ['maintenance verbs'];
    case 'node.set_software_version':
      return ['software versions'];
    case 'cluster.disarm':
    case 'cluster.arm':
      return ['disarm and arm'];
    case 'service.migrate':
    case 'service.relocate':
      return ['migrate and relocate verbs'];
    case 'service.moved_outside_ha':
      return ['VMs moved by hand'];
    case 'service.lock':
    case 'service.unlock':
      return ['locks'];
    case 'service.set_usage':
      return ['measured usage'];
    case 'sim.pause_managers':
    case 'sim.pause_agents':
      return ['pauses of the other simulator'];
    case 'service.set_desired':
      return action.desired === 'disabled' || action.desired === 'ignored'
        ? ['desired states by command']
        : [];
    case 'service.add':
      return action.already_running === true ? ['adoption in the simulator'] : [];
    case 'service.remove': {
      const left = scenario.expect.final.services[action.service];
      return left?.instance === 'running' ? ['forget a running VM'] : [];
    }
    default:
      return [];
  }
}

function needsOfMove(move: Scenario['expect']['moves'][number]): readonly MissingFeature[] {
  const needs: MissingFeature[] = [];
  if (move.kind === 'live-migrate') needs.push('live migration');
  switch (move.cause) {
    case 'placement-rule':
    case 'follows-affinity-peer':
      needs.push('rule enforcement');
      break;
    case 'maintenance-evacuation':
    case 'maintenance-return':
      needs.push('maintenance verbs');
      break;
    case 'auto-rebalance':
      needs.push('auto-rebalance');
      break;
    case 'rebalance-on-start':
      needs.push('rebalance on start');
      break;
    case 'start-failed':
      needs.push('restart and relocate limits');
      break;
    default:
  }
  return needs;
}

/** Beliefs that have a counterpart here: see `seed.ts`. */
const knownNodeBeliefs: ReadonlySet<string> = new Set(['online', 'offline', 'unknown', 'fencing']);
const knownServiceBeliefs: ReadonlySet<string> = new Set(['active', 'stopped', 'awaiting-fence']);

function needsOfInitialState(scenario: Scenario): readonly MissingFeature[] {
  const state = scenario.initial_manager_state;
  if (state === undefined) return [];
  const needs: MissingFeature[] = [];
  const views = Object.values(state.nodes);
  if (views.includes('maintenance')) needs.push('maintenance verbs');
  const services = Object.entries(state.services);
  const isForeign =
    views.some((view) => view !== 'maintenance' && !knownNodeBeliefs.has(view)) ||
    services.some(
      ([id, belief]) =>
        !knownServiceBeliefs.has(belief.status) ||
        belief.node !== scenario.services.find((service) => service.id === id)?.node,
    );
  if (isForeign) needs.push('foreign manager state');
  return needs;
}
