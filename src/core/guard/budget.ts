import type { NodeBudget } from '../model/settings.ts';

/** How many of so many nodes a budget allows. */
export function allowedOf(budget: NodeBudget, nodes: number): number {
  return Math.max(budget.count, Math.floor(budget.share * nodes));
}
