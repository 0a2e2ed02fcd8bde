import type { GuestList } from '../api/schema/session.ts';
import type { NodeId } from '../core/model/ids.ts';
import type { WatchedGuest } from '../core/order/guest-watches.ts';
import type { AgentSession } from './agent-session.ts';

/** Tells every agent what to ask of its guests, and those that have nothing to ask any more as well. */
export function tellGuests(
  sessions: Iterable<AgentSession>,
  cluster: { readonly clusterId: string; readonly epoch: number },
  byNode: ReadonlyMap<NodeId, readonly WatchedGuest[]>,
): void {
  for (const session of sessions) {
    const guests = (byNode.get(session.node) ?? []).map(({ vm, watches }) => ({
      vm,
      watches: watches.map((watch) => ({ ...watch })),
    }));
    const list: GuestList = { kind: 'guests', ...cluster, guests };
    session.tellGuests(list);
  }
}
