import type { NodeView, VmView } from '../../api/schema/views.ts';
import type { Paint } from './layout.ts';

/** The node serves: it has a lease and may be given VMs. */
export function isNodeWell(node: NodeView): boolean {
  return node.state === 'online' && !node.cordoned && !node.maintenance && !node.draining;
}

/** The VM is what its owner wants it to be, and would survive the loss of its node. */
export function isVmWell(vm: VmView): boolean {
  switch (vm.desired) {
    case 'running':
      return vm.state === 'running' && vm.isProtected;
    case 'stopped':
      return vm.state === 'stopped';
    case 'disabled':
    case 'ignored':
      return true;
    default:
      return vm.desired satisfies never;
  }
}

export function paintNode(paint: Paint, node: NodeView): (text: string) => string {
  switch (node.state) {
    case 'online':
      return isNodeWell(node) ? paint.good : paint.warning;
    case 'joining':
    case 'suspect':
    case 'quarantined':
      return paint.warning;
    case 'fencing':
    case 'blocked':
    case 'fenced':
      return paint.critical;
    default:
      return node.state satisfies never;
  }
}

export function paintVm(paint: Paint, vm: VmView): (text: string) => string {
  if (isVmWell(vm)) return vm.state === 'running' ? paint.good : paint.dim;
  switch (vm.state) {
    case 'failed':
    case 'waitingProof':
    case 'unknown':
      return paint.critical;
    default:
      return paint.warning;
  }
}

/** State with the flags that change what it means: `online,cordoned`. No blanks, for awk. */
export function nodeStateText(node: NodeView): string {
  const flags = [
    ...(node.maintenance ? ['maintenance'] : []),
    ...(node.draining ? ['draining'] : []),
    ...(node.cordoned ? ['cordoned'] : []),
  ];
  return [node.state, ...flags].join(',');
}

/** `['3 online', '1 fencing']`: how often each state occurs, the commonest first. */
export function countStates(states: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  if (counts.size === 0) return ['none'];
  return [...counts]
    .sort(([nameA, a], [nameB, b]) => b - a || nameA.localeCompare(nameB))
    .map(([state, count]) => `${count} ${state}`);
}
