import type { NodeRecord } from '../model/node.ts';

/** Labels that name what nodes lose together, the narrowest first. */
export const domainLabels = ['psu', 'rack', 'switch'] as const;

/**
 * What all of these nodes have in common, as `rack=r1 switch=s4`; null for fewer than two nodes, or
 * when they have nothing in common.
 */
export function commonLabels(nodes: readonly NodeRecord[]): string | null {
  const [first, ...others] = nodes;
  if (first === undefined || others.length === 0) return null;
  const shared = domainLabels.flatMap((key) => {
    const value = first.labels[key];
    const isShared = value !== undefined && others.every((node) => node.labels[key] === value);
    return isShared ? [`${key}=${value}`] : [];
  });
  return shared.length === 0 ? null : shared.join(' ');
}
