import type { NodeRule, PlacementRule, SpreadRule, VmRule } from '../model/placement-rule.ts';
import { connectedSets } from './connected-sets.ts';

/** VMs that must share one node, because of one rule or of several that are connected. */
export interface Group {
  readonly name: string;
  readonly vms: readonly string[];
}

/** All that the rules in force say of one VM, with what follows for it from its group. */
export interface RulesOfVm {
  /** The rules that count where it is. */
  readonly counted: (VmRule | SpreadRule)[];
  node: NodeRule | null;
  group: Group | null;
  /** Strict rules that keep it, or one of its group, apart from others. */
  readonly apart: VmRule[];
  readonly preferTogether: VmRule[];
  readonly preferApart: VmRule[];
  readonly spread: SpreadRule[];
}

export type CompiledRules = ReadonlyMap<string, RulesOfVm>;

/** Looks rules up by VM name. Memory grows with what the rules name, not with its square. */
export function compileRules(inForce: readonly PlacementRule[]): CompiledRules {
  const compiled = new Map<string, RulesOfVm>();
  const of = (vm: string): RulesOfVm => {
    const known = compiled.get(vm);
    if (known !== undefined) return known;
    const empty: RulesOfVm = {
      counted: [],
      node: null,
      group: null,
      apart: [],
      preferTogether: [],
      preferApart: [],
      spread: [],
    };
    compiled.set(vm, empty);
    return empty;
  };
  for (const rule of inForce) {
    for (const vm of new Set(rule.vms)) note(of(vm), rule);
  }
  const isGroup = (rule: PlacementRule): rule is VmRule => rule.type === 'together' && rule.strict;
  for (const { rules, vms } of connectedSets(inForce.filter(isGroup))) {
    const group = { name: rules.map((one) => one.id).join('+'), vms };
    const members = vms.map(of);
    const apart = [...new Set(members.flatMap((one) => one.apart))];
    const node = members.find((one) => one.node !== null)?.node ?? null;
    for (const member of members) {
      member.group = group;
      member.node = node;
      // Where one of a group is, the others are to come: all of them count for what one is apart from.
      for (const rule of apart) if (!member.counted.includes(rule)) member.counted.push(rule);
      member.apart.splice(0, Infinity, ...apart);
    }
  }
  return compiled;
}

function note(of: RulesOfVm, rule: PlacementRule): void {
  if (rule.type !== 'nodes') of.counted.push(rule);
  switch (rule.type) {
    case 'nodes':
      of.node ??= rule;
      break;
    case 'apart':
      (rule.strict ? of.apart : of.preferApart).push(rule);
      break;
    case 'together':
      if (!rule.strict) of.preferTogether.push(rule);
      break;
    case 'spread':
      of.spread.push(rule);
      break;
    default:
      rule satisfies never;
  }
}
