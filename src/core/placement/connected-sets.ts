import type { VmRule } from '../model/placement-rule.ts';

export interface ConnectedSet {
  /** In the order of their ids. */
  readonly rules: readonly VmRule[];
  /** All VMs of them, sorted. */
  readonly vms: readonly string[];
}

/** Rules that share a VM, directly or through others, one set for each. By id of its first rule. */
export function connectedSets(rules: readonly VmRule[]): readonly ConnectedSet[] {
  const sorted = [...rules].sort((a, b) => (a.id < b.id ? -1 : 1));
  const setOf = new Map<string, { rules: VmRule[]; vms: Set<string> }>();
  const sets = new Set<{ rules: VmRule[]; vms: Set<string> }>();
  for (const rule of sorted) {
    const merged = { rules: [rule], vms: new Set(rule.vms) };
    for (const old of new Set(rule.vms.flatMap((vm) => setOf.get(vm) ?? []))) {
      merged.rules.push(...old.rules);
      for (const vm of old.vms) merged.vms.add(vm);
      sets.delete(old);
    }
    for (const vm of merged.vms) setOf.set(vm, merged);
    sets.add(merged);
  }
  return [...sets]
    .map((set) => ({
      rules: set.rules.sort((a, b) => (a.id < b.id ? -1 : 1)),
      vms: [...set.vms].sort(),
    }))
    .sort((a, b) => ((a.rules[0]?.id ?? '') < (b.rules[0]?.id ?? '') ? -1 : 1));
}
