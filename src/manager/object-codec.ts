import type { ClusterObject } from '../core/cluster-state.ts';

/** Objects are stored as JSON. They are validated when they enter, at the API and the agent wire. */
export function encodeObject(object: ClusterObject): string {
  return JSON.stringify(object);
}

const kinds: Readonly<Record<ClusterObject['kind'], true>> = {
  settings: true,
  counters: true,
  roster: true,
  governor: true,
  arming: true,
  membership: true,
  alert: true,
  manager: true,
  node: true,
  vm: true,
  rule: true,
  fence: true,
  failover: true,
};

/** Null for a value of a kind this version does not know, which is left alone. */
export function decodeObject(value: string): ClusterObject | null {
  const parsed: unknown = JSON.parse(value);
  if (typeof parsed !== 'object' || parsed === null || !('kind' in parsed)) return null;
  return typeof parsed.kind === 'string' && parsed.kind in kinds ? (parsed as ClusterObject) : null;
}
