import { outletFaults } from '../../deploy/lab/pdu.ts';
import type { DetectionProfile } from '../../src/core/model/settings.ts';
import type { Scenario } from '../scenarios/schema.ts';
import { kennelSchema } from '../scenarios/kennel-schema.ts';

/** Nodes of the lab. */
const labNodes = 3;

/** Modes of a BMC that a lab's BMC has. */
const bmcModes: ReadonlySet<string> = new Set([
  'ok',
  'stuck',
  'fail',
  'lieOff',
  'lieOn',
  'unreachable',
  'dead',
  'slow',
  'delayed',
]);

const outletModes: ReadonlySet<string> = new Set(outletFaults);

/** Which lab a scenario is run on: labs are told apart by what is decided when one is built. */
export interface LabKind {
  readonly pdus: boolean;
  readonly profile: DetectionProfile;
}

export function labFor({ 'x-kennel': extension }: Scenario): LabKind {
  return {
    pdus: extension?.pdus ?? false,
    profile: extension?.lab?.detection ?? extension?.detection ?? 'default',
  };
}

/**
 * What a scenario asks for that a lab is not, in sentences; empty = it can be run there. A lab has
 * three nodes and one manager, which stands apart from them.
 */
export function labLacks(scenario: Scenario): readonly string[] {
  const lacks = new Set<string>();
  const { nodes, policies } = scenario.cluster;
  const extension = scenario['x-kennel'] ?? kennelSchema.parse({});
  if (nodes.length !== labNodes) lacks.add(`${nodes.length} nodes`);
  const isUp = nodes.every(({ initial }) => initial.power === 'on' && initial.network === 'on');
  if (!isUp || scenario.initial_manager_state !== undefined) lacks.add('a cluster that is down');
  if (scenario.rules.some((rule) => rule.enabled)) lacks.add('placement rules');
  if ((policies.shutdown ?? 'failover') !== 'failover') lacks.add('shutdown policies');
  const oddities = scenario.services.filter(
    (one) => one.desired !== 'running' || one.lock !== undefined || one.faults !== undefined,
  );
  if (oddities.length > 0) lacks.add('services that do not run at the start');
  for (const text of lacksOfManagers(scenario, extension)) lacks.add(text);
  for (const action of scenario.timeline) {
    if (/^(?:node\.state_store|cluster\.|sim\.|manager\.)/.test(action.action)) {
      lacks.add(action.action);
    }
    if (/^service\.(?!set_desired|stop$)/.test(action.action)) lacks.add(action.action);
  }
  if (Object.keys(extension.guests).length > 0) lacks.add('guests with an agent or an address');
  if (extension.watchdog !== undefined) lacks.add('watchdogs of nodes');
  for (const action of extension.timeline) {
    if (action.action === 'bmc.mode' && !bmcModes.has(action.mode.kind)) {
      lacks.add(`a BMC that is ${action.mode.kind}`);
    }
    if (action.action === 'pdu.mode' && !outletModes.has(action.mode.kind)) {
      lacks.add(`an outlet that is ${action.mode.kind}`);
    }
  }
  return [...lacks].map((one) => `a lab has no means for: ${one}`);
}

/** Several managers are one there: what tells them apart cannot be shown. */
function lacksOfManagers(
  scenario: Scenario,
  extension: NonNullable<Scenario['x-kennel']>,
): readonly string[] {
  const layout = extension.managers?.layout ?? 'with-nodes';
  const count = extension.managers?.count ?? scenario.cluster.nodes.length;
  const first = scenario.cluster.nodes[0]?.name;
  const subjects = [...scenario.timeline, ...extension.timeline].map((action) =>
    'node' in action ? action.node : undefined,
  );
  const onFirst = ['node.power_off', 'node.isolate', 'node.freeze', 'node.reset'];
  const hitsLeader = [...scenario.timeline, ...extension.timeline].some(
    (action, index) => subjects[index] === first && onFirst.includes(action.action),
  );
  if (layout === 'with-nodes' && hitsLeader) return ['a manager on the node that is hit'];
  const named = extension.timeline.flatMap((action) =>
    'manager' in action ? [action.manager] : [],
  );
  const isOne = count === 1 || named.length === 0 || new Set(named).size >= count;
  return isOne && !(named.includes('leader') && count > 1) ? [] : ['several managers'];
}
