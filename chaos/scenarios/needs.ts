import type { Scenario, ScenarioRule } from './schema.ts';

/**
 * What some scenario asks for and the product does not have. The key is what a reason says after
 * `needs:`; the text is for docs/scenarios.md.
 */
export const missingFeatures = {
  'legacy groups': 'the older form of node affinity, without its nodes or its services',
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
    ...needsOfInitialState(scenario),
  ]);
  return [...needs].sort();
}

function needsOfRule(rule: ScenarioRule): readonly MissingFeature[] {
  if (rule.kind !== 'legacy-group') return [];
  const isEmpty = rule.services.length === 0 || Object.keys(rule.nodes).length === 0;
  return isEmpty ? ['legacy groups'] : [];
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
