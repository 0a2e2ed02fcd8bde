import type { PlacementRule, VmRule } from '../model/placement-rule.ts';
import { connectedSets } from './connected-sets.ts';

/**
 * Rules in force with everything that follows from them written out, for people: connected
 * `together` rules become one, VMs kept together are kept apart from what one of them is kept apart
 * from, and have the rule about nodes that one of them has. Names of derived rules start with `_`.
 */
export function withImplied(inForce: readonly PlacementRule[]): readonly PlacementRule[] {
  const isGroup = (rule: PlacementRule): boolean => rule.type === 'together' && rule.strict;
  const together = inForce.filter((rule): rule is VmRule => isGroup(rule));
  const groups = connectedSets(together).map(({ rules: [first, ...others], vms }): VmRule => ({
    kind: 'rule',
    enabled: true,
    strict: true,
    type: 'together',
    id:
      others.length === 0
        ? (first?.id ?? '')
        : `_together-${[first, ...others].map((one) => one?.id).join('-')}`,
    vms,
  }));
  const rest = inForce.filter((rule) => !isGroup(rule));
  const apart = rest.filter((rule) => rule.type === 'apart' && rule.strict);
  return [
    ...rest.map((rule) =>
      rule.type === 'nodes' ? { ...rule, vms: joined(rule.vms, groups) } : rule,
    ),
    ...groups,
    ...groups.flatMap((group) => impliedApart(group, apart)),
  ];
}

function joined(vms: readonly string[], groups: readonly VmRule[]): readonly string[] {
  const own = new Set(vms);
  const more = groups.filter((group) => group.vms.some((vm) => own.has(vm)));
  return [...new Set([...vms, ...more.flatMap((group) => group.vms)])].sort();
}

function impliedApart(group: VmRule, apart: readonly PlacementRule[]): readonly VmRule[] {
  const members = new Set(group.vms);
  const saidBy = new Map<string, Set<string>>();
  for (const rule of apart) {
    for (const member of rule.vms.filter((vm) => members.has(vm))) {
      for (const other of rule.vms) {
        if (other === member) continue;
        saidBy.set(other, (saidBy.get(other) ?? new Set()).add(member));
      }
    }
  }
  return [...saidBy].flatMap(([other, by]) =>
    group.vms
      .filter((vm) => !by.has(vm))
      .map((vm): VmRule => ({
        kind: 'rule',
        enabled: true,
        strict: true,
        type: 'apart',
        id: `_apart-${group.id}-${vm}-${other}`,
        vms: [vm, other].sort(),
      })),
  );
}
