import { formatHostPort } from '../api/schema/host-port.ts';
import { holdTimes } from '../core/hold/times.ts';
import type { NodeId } from '../core/model/ids.ts';
import type { MembershipRecord } from '../core/model/membership.ts';
import type { TimingSettings } from '../core/model/settings.ts';
import type { AgentSession } from './agent-session.ts';

/**
 * Tells agents who counts for peer hold, as it is committed, and where they can be asked. Nothing is
 * told before the first membership is made.
 */
export function tellHold(
  sessions: readonly AgentSession[],
  cluster: {
    readonly clusterId: string;
    readonly epoch: number;
    readonly timing: TimingSettings;
    readonly membership: MembershipRecord;
    addressOf(node: NodeId): string | null;
  },
): void {
  const { clusterId, epoch, membership, timing } = cluster;
  if (membership.number === 0) return;
  const ports = new Map(sessions.map(({ node, hello }) => [node, hello?.probePort ?? null]));
  const members = membership.members.map(({ node, fingerprint }) => {
    const host = cluster.addressOf(node);
    const port = ports.get(node) ?? null;
    const address = host === null || port === null ? null : formatHostPort(host, port);
    return { name: node, fingerprint, address };
  });
  const { mark, number } = membership;
  const times = holdTimes(timing);
  const list = { kind: 'hold', clusterId, epoch, number, mark, ...times, members } as const;
  const text = JSON.stringify(list);
  for (const session of sessions) session.tellHold(list, text);
}
