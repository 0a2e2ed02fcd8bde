import type { FenceView, NodeView } from '../../api/schema/views.ts';
import { formatAge } from '../duration.ts';
import { formatMemory } from '../memory-size.ts';
import { renderColumns, renderFields } from './columns.ts';
import type { Cell } from './columns.ts';
import { renderBudget, renderDeviceTable } from './fence.ts';
import type { Layout } from './layout.ts';
import { proofText } from './proof.ts';
import { nodeStateText, paintNode } from './states.ts';

/** Heartbeats come several times in a second; within this age a node counts as heard just now. */
const heardNowMs = 2000;

function lastSeenText(node: NodeView): string {
  if (node.lastSeenMs === null) return 'never';
  return node.lastSeenMs < heardNowMs ? 'now' : formatAge(node.lastSeenMs);
}

export function labelsText({ labels }: NodeView): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '-' : pairs.sort().join(' ');
}

function leaseText(node: NodeView): string {
  if (node.leaseMs !== null) return formatAge(Math.max(node.leaseMs, 0));
  if (node.incarnation === null) return '-';
  if (node.peerHold?.held === true) return 'held';
  return node.leaseIsKnown ? 'over' : '?';
}

const nodeHeader = ['NODE', 'STATE', 'LEASE', 'VMS', 'FENCE READINESS', 'LAST SEEN'];
const nodeHeaderWide = [...nodeHeader, 'MEMORY USED', 'VCPUS', 'HYPERVISOR', 'ADDRESS', 'LABELS'];

/** The table of `status` and `node ls`: header and one line for each node. */
export function renderNodeTable(nodes: readonly NodeView[], layout: Layout): string[] {
  const rows = nodes.map((node): Cell[] => {
    const narrow: Cell[] = [
      { text: node.name },
      { text: nodeStateText(node), paint: paintNode(layout.paint, node) },
      { text: leaseText(node), align: 'right' },
      { text: String(node.vms), align: 'right' },
      readinessCell(node, layout),
      { text: lastSeenText(node) },
    ];
    if (!layout.isWide) return narrow;
    return [
      ...narrow,
      { text: `${formatMemory(node.used.memoryMiB)}/${formatMemory(node.capacity.memoryMiB)}` },
      { text: `${node.used.vcpus}/${node.capacity.vcpus}` },
      { text: node.hypervisor },
      { text: node.address },
      { text: labelsText(node) },
    ];
  });
  return renderColumns(layout.isWide ? nodeHeaderWide : nodeHeader, rows, layout.columns);
}

function readinessCell(node: NodeView, layout: Layout): Cell {
  if (node.readiness.length === 0) {
    const text = node.fenceGrade === 'failing' ? 'failing' : 'none';
    return { text, paint: layout.paint.warning };
  }
  // Some level of its devices works, and not all of them.
  if (node.fenceGrade !== 'degraded') return { text: node.readiness.join(',') };
  return { text: [...node.readiness, 'degraded'].join(','), paint: layout.paint.warning };
}

/** What becomes of its VMs when its lease is over, and by what that is sure. */
function isolationText({ isolation, watchdog }: NodeView): string {
  if (isolation === null) return 'not known yet';
  if (watchdog === null) return isolation;
  const took = watchdog.measuredMs === null ? '' : `, measured ${watchdog.measuredMs} ms`;
  const copy = watchdog.held ? 'a copy is held' : 'no copy is held';
  return `${isolation} under ${watchdog.identity} (${watchdog.timeoutMs} ms${took}; ${copy})`;
}

/** Whether the others keep its VMs alive while no leader is heard. */
function holdText({ peerHold }: NodeView): string {
  if (peerHold === null) return 'no';
  const { members, held } = peerHold;
  if (held) return `now: no lease, and at least half of ${members} nodes promise to take none`;
  return `when no leader is heard, while at least half of ${members} nodes see each other`;
}

/** One node in full. */
export function renderNode(node: NodeView, layout: Layout): string {
  const fields: [string, string][] = [
    ['node', node.name],
    ['state', nodeStateText(node)],
    ['address', node.address],
    ['labels', labelsText(node)],
    ['last seen', lastSeenText(node)],
    ['lease', leaseText(node)],
    ['isolation', isolationText(node)],
    ['held by the others', holdText(node)],
    ['hypervisor', node.hypervisor],
    ['vms', String(node.vms)],
    [
      'memory',
      `${formatMemory(node.used.memoryMiB)} used of ${formatMemory(node.capacity.memoryMiB)}`,
    ],
    ['vcpus', `${node.used.vcpus} used of ${node.capacity.vcpus}`],
    ['can be proven dead by', readinessText(node)],
    ['incarnation', node.incarnation ?? 'none admitted'],
    ['boot id', node.bootId ?? 'not known yet'],
  ];
  const lines = renderFields(fields, layout.columns);
  if (node.fenceDevices.length > 0) {
    lines.push('', ...renderDeviceTable(node.fenceDevices, layout));
    lines.push('', ...renderBudget(node.budget));
  }
  if (node.fence !== null) lines.push('', renderFence(node.fence, layout));
  return lines.join('\n');
}

function readinessText(node: NodeView): string {
  if (node.readiness.length > 0) return node.readiness.join(', ');
  if (node.fenceGrade === 'failing') {
    return `nothing: its devices fail, its VMs are not protected (kennel fence test ${node.name})`;
  }
  return `nothing: its VMs are not protected (kennel fence add ${node.name}/bmc …)`;
}

/** A fence operation: how far it is, what was tried, what was read, what is awaited. */
function renderFence(fence: FenceView, layout: Layout): string {
  const fields: [string, string][] = [
    ['fence', fence.id],
    ['node', fence.node],
    ['phase', fence.phase],
    ['level', String(fence.level)],
    ['requested by', fence.requestedBy],
    ['proof', fence.proof === null ? 'none yet' : proofText(fence.proof)],
    ...fence.attempts.map((attempt): [string, string] => [
      'attempt',
      `${attempt.action} ${attempt.device}: ${attempt.outcome}${detailOf(attempt)}`,
    ]),
    ...fence.lastReadings.map((reading): [string, string] => [
      'reading',
      `${reading.device}: ${reading.error ?? reading.power}, ${formatAge(reading.ageMs)} ago`,
    ]),
    ...fence.awaiting.map((awaited): [string, string] => ['awaiting', awaited]),
  ];
  return renderFields(fields, layout.columns).join('\n');
}

function detailOf(attempt: Readonly<Record<string, unknown>>): string {
  const parts = [attempt['error'], attempt['detail']].filter(
    (part): part is string => typeof part === 'string' && part !== '',
  );
  return parts.length === 0 ? '' : ` (${parts.join(': ')})`;
}
