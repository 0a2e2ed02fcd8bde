import type { PlacementRule } from '../../src/core/model/placement-rule.ts';
import type { Names } from './names.ts';
import type { Scenario } from './schema.ts';

/** The rules of a file as the product has them. Whether a VM goes back is said of its service. */
export function placementRules(scenario: Scenario, names: Names): readonly PlacementRule[] {
  const vmsOf = (services: readonly string[]): string[] => services.map((one) => names.vmName(one));
  return scenario.rules.flatMap((rule): PlacementRule[] => {
    const { id, strict, enabled } = rule;
    const base = { kind: 'rule', id, strict, enabled } as const;
    if (rule.kind === 'service-affinity') {
      return [{ ...base, type: rule.affinity, vms: vmsOf(rule.services) }];
    }
    const nodes = Object.fromEntries(
      Object.entries(rule.nodes).map(([node, priority]) => [names.simNode(node), priority]),
    );
    // The older form says of itself whether its services go back.
    const failback = rule.kind === 'node-affinity' || rule.failback;
    return [{ ...base, type: 'nodes', vms: vmsOf(rule.services), nodes, failback }];
  });
}

/** What of the strict rules a placement breaks, in sentences. Services that run nowhere are left out. */
export function brokenRules(
  scenario: Scenario,
  placed: ReadonlyMap<string, string>,
): readonly string[] {
  const broken: string[] = [];
  for (const rule of scenario.rules) {
    if (!rule.enabled) continue;
    const here = rule.services.flatMap((service) => {
      const node = placed.get(service);
      return node === undefined ? [] : [{ service, node }];
    });
    if (rule.kind !== 'service-affinity') {
      if (!rule.strict) continue;
      for (const { service, node } of here) {
        if (!(node in rule.nodes)) broken.push(`${rule.id}: ${service} is on ${node}`);
      }
      continue;
    }
    const nodes = new Set(here.map((one) => one.node));
    const list = here.map((one) => `${one.service} on ${one.node}`).join(', ');
    if (rule.affinity === 'apart' && nodes.size < here.length) {
      broken.push(`${rule.id}: not kept apart (${list})`);
    }
    if (rule.affinity === 'together' && nodes.size > 1) {
      broken.push(`${rule.id}: not kept together (${list})`);
    }
  }
  return broken;
}
