import type { ManagerRecord } from '../model/manager.ts';
import type { NodeRecord } from '../model/node.ts';

export const hostOf = (address: string): string =>
  address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');

/**
 * Two nodes, and every manager on one of them: a cut between the two looks to each side like the
 * death of the other, and nobody is there who sees both (FAILURES W15, W16). A manager on a third
 * machine, which may be a small one, is what tells. False as long as no manager is recorded.
 */
export function lacksThirdView(
  nodes: readonly NodeRecord[],
  managers: readonly ManagerRecord[],
): boolean {
  if (nodes.length !== 2 || managers.length === 0) return false;
  const onNodes = new Set(nodes.map((node) => node.address));
  return managers.every((manager) => onNodes.has(hostOf(manager.sessions)));
}
