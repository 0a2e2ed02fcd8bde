import type { BootId, ManagerId, NodeId } from '../model/ids.ts';
import type { Observations } from '../observations.ts';
import { isFresh } from './peer-channel.ts';

/**
 * Whether another manager had a heartbeat of that very boot within the window: then only the way from
 * the node to this manager is lost (FAILURES W16). The newest one; null = none has. The word of it may
 * have waited in a buffer, so it keeps commands back and is evidence of nothing else.
 */
export function managerChannel(
  question: { readonly node: NodeId; readonly bootId: BootId; readonly windowMs: number },
  seen: Pick<Observations, 'nowMs' | 'stalls' | 'managers'>,
): { readonly by: ManagerId; readonly atMs: number } | null {
  let newest: { readonly by: ManagerId; readonly atMs: number } | null = null;
  for (const [by, nodes] of seen.managers.sights) {
    const sight = nodes.get(question.node);
    if (sight?.bootId !== question.bootId) continue;
    if (!isFresh(sight.atMs, question.windowMs, seen)) continue;
    if (newest === null || sight.atMs > newest.atMs) newest = { by, atMs: sight.atMs };
  }
  return newest;
}
