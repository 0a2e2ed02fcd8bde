import type { ClusterState } from '../cluster-state.ts';
import { openDraft, type Draft } from '../decide/draft.ts';
import { freezes, isLeaving } from '../decide/downtime.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Observations } from '../observations.ts';
import { isLost } from '../timing/silence.ts';
import { evacuationProgress, type EvacuationStep } from './evacuation.ts';
import type { Finding } from './findings.ts';

/** How many VMs a line names. */
const shown = 3;

/** Nodes that are to be empty and are not, and nodes that their VMs wait for. */
export function maintenanceFindings(
  state: ClusterState,
  observations: Observations,
): readonly Finding[] {
  const draft = openDraft(state, observations);
  return draft
    .nodes()
    .flatMap((node) => [...stuckFindings(draft, node), ...awaitedFindings(draft, node)]);
}

function stuckFindings(draft: Draft, node: NodeRecord): readonly Finding[] {
  if (node.evacuation === undefined) return [];
  const { state, steps } = evacuationProgress(draft, node);
  const stuck = steps.filter((step) => step.state !== 'moving');
  if (state === 'empty' || stuck.length === 0) return [];
  const end = exitOf(node);
  return [
    {
      code: state === 'overdue' ? 'MAINTENANCE_OVERDUE' : 'NODE_NOT_EMPTY',
      severity: 'warning',
      subject: node.id,
      text: `it is to be empty, and is not: ${stepsText(stuck)}`,
      try: ['kennel node maintenance ls', end],
    },
  ];
}

function exitOf({ id, evacuation }: NodeRecord): string {
  return evacuation?.kind === 'drain'
    ? `kennel node uncordon ${id}`
    : `kennel node maintenance exit ${id}`;
}

export function stepsText(steps: readonly EvacuationStep[]): string {
  const named = steps.slice(0, shown).map(({ name, because }) => `${name} (${because})`);
  const more = steps.length > shown ? `, and ${steps.length - shown} more` : '';
  return `${named.join(', ')}${more}`;
}

function awaitedFindings(draft: Draft, node: NodeRecord): readonly Finding[] {
  const { downtime, id } = node;
  if (downtime === undefined || !isLeaving(node) || !freezes(downtime)) return [];
  const { observations, state } = draft;
  if (!isLost(observations.nodes.get(id), observations, state.settings.timing)) return [];
  const held = draft.vms().filter((vm) => vm.permit?.node === id);
  if (held.length === 0) return [];
  const end =
    downtime.kind === 'reboot'
      ? `for ${Math.round(state.settings.rebootPatienceMs / 60_000)} minutes`
      : 'until it is back';
  return [
    {
      code: 'NODE_AWAITED',
      severity: 'warning',
      subject: id,
      text: `it went down as it said at ${downtime.since}; its ${held.length} VMs wait for it ${end}`,
      try: [`kennel node power-on ${id}`, `kennel node fence ${id} --reason "..."`],
    },
  ];
}

/** What `kennel explain NODE` says about it. */
export function maintenanceFacts(draft: Draft, node: NodeRecord): readonly string[] {
  const { evacuation, downtime, id } = node;
  const facts: string[] = [];
  if (downtime !== undefined) {
    const verb = downtime.kind === 'reboot' ? 'reboots' : 'shuts down';
    facts.push(`it ${verb}, as said at ${downtime.since}; policy ${downtime.policy}`);
  }
  const { state, steps, returning } = evacuationProgress(draft, node);
  if (evacuation !== undefined) {
    const why = evacuation.reason === null ? '' : ` (${evacuation.reason})`;
    facts.push(`${evacuation.kind} since ${evacuation.since}${why}: ${state}`);
    for (const { name, because } of steps) facts.push(`${name} is still there: ${because}`);
  }
  for (const { name, now } of returning) {
    facts.push(`${name} returns to ${id} from ${now ?? 'nowhere'} when that is over`);
  }
  return facts;
}
