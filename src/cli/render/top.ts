import type { NodeUse, Top, VmUse } from '../actions/top.ts';
import { formatMemory } from '../memory-size.ts';
import { renderColumns, type Cell } from './columns.ts';
import type { Layout } from './layout.ts';

const nodeHeader = ['NODE', 'STATE', 'VMS', 'CPUS', 'BOOKED', 'HAS', 'MEMORY', 'BOOKED', 'HAS'];
const vmHeader = ['VM', 'NODE', 'CPUS', 'HAS', 'MEMORY', 'HAS'];

/** Nodes, and below them VMs; as many of these as the terminal has lines for, all with -o wide. */
export function renderTop({ nodes, vms }: Top, layout: Layout): string {
  const above = renderColumns(nodeHeader, nodes.map(nodeRow), layout.columns);
  if (vms.length === 0) return [...above, '', 'no VM is on a node'].join('\n');
  const lines = renderColumns(vmHeader, vms.map(vmRow), layout.columns);
  // Two lines are the blank one and the one that counts what is left out; one more is the prompt's.
  const room = layout.isWide ? Infinity : Math.max(2, layout.rows - above.length - 3);
  if (lines.length <= room) return [...above, '', ...lines].join('\n');
  const more = `and ${lines.length - room} more: -o wide shows all`;
  return [...above, '', ...lines.slice(0, room), more].join('\n');
}

function nodeRow({ name, state, vms, cpus, memoryMiB }: NodeUse): Cell[] {
  return [
    { text: name },
    { text: state },
    right(String(vms)),
    right(busy(cpus.used)),
    right(String(cpus.booked)),
    right(String(cpus.has)),
    right(memory(memoryMiB.used)),
    right(memory(memoryMiB.booked)),
    right(memory(memoryMiB.has)),
  ];
}

function vmRow({ name, node, cpus, memoryMiB }: VmUse): Cell[] {
  return [
    { text: name },
    { text: node },
    right(busy(cpus.used)),
    right(String(cpus.has)),
    right(memory(memoryMiB.used)),
    right(memory(memoryMiB.has)),
  ];
}

const right = (text: string): Cell => ({ text, align: 'right' });
const busy = (cpus: number | null): string => (cpus === null ? '-' : cpus.toFixed(2));
const memory = (mib: number | null): string => (mib === null ? '-' : formatMemory(mib));
