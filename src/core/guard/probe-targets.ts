import type { NodeId } from '../model/ids.ts';

/** Other nodes that each agent probes, and by how many each node is probed. */
export const probeFanout = 3;

/**
 * Whom a node's agent probes: those that follow it when all are put in a ring by name. So every node
 * is probed by as many others, and the number of probes grows with the nodes, not with their pairs.
 */
export function probeTargets(nodes: readonly NodeId[], self: NodeId): readonly NodeId[] {
  const ring = [...new Set(nodes)].sort();
  const at = ring.indexOf(self);
  if (at < 0) return [];
  const count = Math.min(probeFanout, ring.length - 1);
  return Array.from({ length: count }, (_, step) => ring[(at + step + 1) % ring.length] ?? self);
}
