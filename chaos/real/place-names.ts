import type { Scenario } from '../scenarios/schema.ts';

/** A VM of the lab that stands for a service, and where it runs as the scenario begins. */
export interface PlacedVm {
  readonly service: string;
  /** Id, and name: that of its disk. */
  readonly vm: string;
  readonly name: string;
  readonly labNode: string;
}

/** Between the names of a scenario and those of the lab. */
export interface PlaceNames {
  labNode(node: string): string;
  nodeOf(labNode: string): string;
  /** Null for a VM that no service stands for. */
  serviceOf(vm: string): string | null;
  vmOf(service: string): PlacedVm;
}

/**
 * Gives the nodes of a scenario to nodes of the lab so that every service is where the file says:
 * VMs are placed by Kennel, so the names follow them.
 *
 * @returns null when they stand in another pattern than the file's.
 */
export function placeNames(
  scenario: Scenario,
  placed: readonly PlacedVm[],
  labNodes: readonly string[],
): PlaceNames | null {
  const lab = new Map<string, string>();
  for (const { service, labNode } of placed) {
    const node = scenario.services.find((one) => one.id === service)?.node ?? '';
    const known = lab.get(node);
    if (known !== undefined && known !== labNode) return null;
    if (known === undefined && [...lab.values()].includes(labNode)) return null;
    lab.set(node, labNode);
  }
  for (const { name } of scenario.cluster.nodes) {
    const free = labNodes.find((one) => ![...lab.values()].includes(one));
    if (!lab.has(name) && free !== undefined) lab.set(name, free);
  }
  const back = new Map([...lab].map(([node, labNode]) => [labNode, node]));
  return {
    labNode: (node) => lab.get(node) ?? node,
    nodeOf: (labNode) => back.get(labNode) ?? labNode,
    serviceOf: (vm) => placed.find((one) => one.vm === vm)?.service ?? null,
    vmOf: (service) => {
      const found = placed.find((one) => one.service === service);
      if (found === undefined) throw new Error(`no VM stands for ${service}`);
      return found;
    },
  };
}
