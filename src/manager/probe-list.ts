import { formatHostPort } from '../api/schema/host-port.ts';
import { probeTargets } from '../core/guard/probe-targets.ts';
import type { NodeId } from '../core/model/ids.ts';
import type { AgentSession } from './agent-session.ts';

/**
 * Tells every agent whom to probe. Two heartbeats make one probe: so an answer is young enough when
 * it gets here, also after one that was lost, to show within `failAfterMs` that a node lives.
 */
export function tellPeers(
  sessions: readonly AgentSession[],
  cluster: {
    readonly clusterId: string;
    readonly epoch: number;
    readonly heartbeatMs: number;
    addressOf(node: NodeId): string | null;
  },
): void {
  const addresses = new Map<NodeId, string>();
  for (const { node, hello } of sessions) {
    const host = cluster.addressOf(node);
    if (host === null || hello?.probePort == null) continue;
    addresses.set(node, formatHostPort(host, hello.probePort));
  }
  const nodes = [...addresses.keys()];
  for (const session of sessions) {
    const targets = probeTargets(
      addresses.has(session.node) ? nodes : [...nodes, session.node],
      session.node,
    );
    session.tellPeers({
      kind: 'peers',
      clusterId: cluster.clusterId,
      epoch: cluster.epoch,
      probeMs: cluster.heartbeatMs * 2,
      peers: targets.map((name) => ({ name, address: addresses.get(name) ?? '' })),
    });
  }
}
