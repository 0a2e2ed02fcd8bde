import type { Scenario, ScenarioRule } from './schema.ts';

/**
 * What some scenario asks for and the product does not have. The key is what a reason says after
 * `needs:`; the text is for docs/scenarios.md.
 */
export const missingFeatures = {
  'failing migrations': 'services whose migration is made to fail',
  'rule enforcement': 'moving a running VM because a placement rule says so, failback included',
  'legacy groups': 'the older form of node affinity',
  locks: 'VMs that are locked by a backup or a migration',
  'auto-rebalance': 'moving running VMs to even out load',
  'measured usage': 'placement by measured instead of configured load',
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
    ...scenario.timeline.flatMap(needsOfAction),
    ...scenario.expect.moves.filter((move) => !isBeforeStart(scenario, move)).flatMap(needsOfMove),
    ...needsOfInitialState(scenario),
  ]);
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
  const { placement } = scenario.cluster.policies;
  const needs: MissingFeature[] = [];
  if (isEmpty(scenario) || placement === undefined) return needs;
  if (placement.auto_rebalance !== undefined) needs.push('auto-rebalance');
  if (placement.mode === 'measured-usage') needs.push('measured usage');
  return needs;
}

function needsOfRule(rule: ScenarioRule): readonly MissingFeature[] {
  return rule.kind === 'legacy-group' ? ['legacy groups'] : [];
}

type ExpectedMove = Scenario['expect']['moves'][number];

/** A VM that had not run yet is placed where its rules want it; nothing has to be moved. */
function isBeforeStart(
  { services, expect }: Scenario,
  { service, t, cause }: ExpectedMove,
): boolean {
  if (cause === 'rebalance-on-start') return true;
  if (cause !== 'placement-rule' || expect.starts === undefined) return false;
  const atStart = services.find((one) => one.id === service);
  const wasStarted = expect.starts.some((start) => start.service === service && start.t <= t);
  return atStart?.instance === 'stopped' && !wasStarted;
}

function needsOfServices(scenario: Scenario): readonly MissingFeature[] {
  const needs: MissingFeature[] = [];
  for (const { lock, faults } of scenario.services) {
    if (lock !== undefined) needs.push('locks');
    if (faults?.migrate_fails !== undefined) needs.push('failing migrations');
  }
  return needs;
}

function needsOfAction(action: Scenario['timeline'][number]): readonly MissingFeature[] {
  switch (action.action) {
    case 'node.set_software_version':
      return ['software versions'];
    case 'service.lock':
    case 'service.unlock':
      return ['locks'];
    case 'service.set_usage':
      return ['measured usage'];
    case 'sim.pause_managers':
    case 'sim.pause_agents':
      return ['pauses of the other simulator'];
    default:
      return [];
  }
}

function needsOfMove(move: ExpectedMove): readonly MissingFeature[] {
  const needs: MissingFeature[] = [];
  switch (move.cause) {
    case 'placement-rule':
    case 'follows-affinity-peer':
      needs.push('rule enforcement');
      break;
    case 'auto-rebalance':
      needs.push('auto-rebalance');
      break;
    default:
  }
  return needs;
}

/** Beliefs that have a counterpart here: see `seed.ts`. */
const knownNodeBeliefs: ReadonlySet<string> = new Set([
  'online',
  'offline',
  'unknown',
  'fencing',
  'maintenance',
]);
const knownServiceBeliefs: ReadonlySet<string> = new Set(['active', 'stopped', 'awaiting-fence']);

/** Nothing runs yet, so it is a matter of where the VM is at home. */
function isPlannedMove(belief: { readonly status: string; readonly target?: string | undefined }) {
  return belief.status === 'moving' && belief.target !== undefined;
}

function needsOfInitialState(scenario: Scenario): readonly MissingFeature[] {
  const state = scenario.initial_manager_state;
  if (state === undefined) return [];
  const needs: MissingFeature[] = [];
  const views = Object.values(state.nodes);
  const services = Object.entries(state.services);
  const isForeign =
    views.some((view) => !knownNodeBeliefs.has(view)) ||
    services.some(
      ([id, belief]) =>
        (!knownServiceBeliefs.has(belief.status) && !isPlannedMove(belief)) ||
        belief.node !== scenario.services.find((service) => service.id === id)?.node,
    );
  if (isForeign) needs.push('foreign manager state');
  return needs;
}
