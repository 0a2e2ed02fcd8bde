import type { Scenario } from './schema.ts';

/** Nodes that every strict node rule allows a service; null = all of them. */
export function allowedNodes(scenario: Scenario, service: string): readonly string[] | null {
  let allowed: readonly string[] | null = null;
  for (const rule of scenario.rules) {
    if (rule.kind !== 'node-affinity' || !rule.enabled || !rule.strict) continue;
    if (!rule.services.includes(service)) continue;
    const nodes = Object.keys(rule.nodes);
    allowed = allowed === null ? nodes : allowed.filter((node) => nodes.includes(node));
  }
  return allowed;
}

/** Services that must not share a node with this one, each once, in the order of the rules. */
export function apartFrom(scenario: Scenario, service: string): readonly string[] {
  const others = new Set<string>();
  for (const rule of scenario.rules) {
    if (rule.kind !== 'service-affinity' || !rule.enabled || rule.affinity !== 'apart') continue;
    if (!rule.services.includes(service)) continue;
    for (const other of rule.services) if (other !== service) others.add(other);
  }
  return [...others];
}

/** What of the strict rules a placement breaks, in sentences. Services that run nowhere are left out. */
export function brokenRules(
  scenario: Scenario,
  placed: ReadonlyMap<string, string>,
): readonly string[] {
  const broken: string[] = [];
  for (const rule of scenario.rules) {
    if (!rule.enabled || rule.kind === 'legacy-group') continue;
    const here = rule.services.flatMap((service) => {
      const node = placed.get(service);
      return node === undefined ? [] : [{ service, node }];
    });
    if (rule.kind === 'node-affinity') {
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
