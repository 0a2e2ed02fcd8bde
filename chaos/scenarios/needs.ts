import type { Scenario, ScenarioRule } from './schema.ts';

/**
 * What some scenario asks for and the product does not have. The key is what a reason says after
 * `needs:`; the text is for docs/scenarios.md.
 */
export const missingFeatures = {
  'legacy groups': 'the older form of node affinity',
  locks: 'VMs that are locked by a backup or a migration',
  'changed sizes': 'configured CPUs and memory that change while a VM runs',
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
    ...scenario.rules.filter((rule) => rule.enabled).flatMap(needsOfRule),
    ...needsOfServices(scenario),
    ...scenario.timeline.flatMap(needsOfAction),
    ...(scenario.timeline.some((one) => isResize(scenario, one)) ? ['changed sizes' as const] : []),
    ...needsOfInitialState(scenario),
  ]);
  return [...needs].sort();
}

function needsOfRule(rule: ScenarioRule): readonly MissingFeature[] {
  return rule.kind === 'legacy-group' ? ['legacy groups'] : [];
}

function needsOfServices(scenario: Scenario): readonly MissingFeature[] {
  const needs: MissingFeature[] = [];
  for (const { lock } of scenario.services) {
    if (lock !== undefined) needs.push('locks');
  }
  return needs;
}

/** What is given its size in the instant in which it is added has it from the beginning. */
function isResize({ timeline }: Scenario, action: Scenario['timeline'][number]): boolean {
  if (action.action !== 'service.set_usage') return false;
  if (action.cpus === undefined && action.memory_bytes === undefined) return false;
  const { service, t_seconds: t } = action;
  return !timeline.some(
    (one) => one.action === 'service.add' && one.service === service && one.t_seconds === t,
  );
}

function needsOfAction(action: Scenario['timeline'][number]): readonly MissingFeature[] {
  switch (action.action) {
    case 'node.set_software_version':
      return ['software versions'];
    case 'service.lock':
    case 'service.unlock':
      return ['locks'];
    case 'sim.pause_managers':
    case 'sim.pause_agents':
      return ['pauses of the other simulator'];
    default:
      return [];
  }
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
