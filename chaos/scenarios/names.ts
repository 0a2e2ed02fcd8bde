import type { Scenario } from './schema.ts';

/** Between the names of a scenario and those of the simulated cluster. */
export interface Names {
  /** Simulated node of a scenario's node: `node-1` for the first one that the file lists. */
  simNode(name: string): string;
  scenarioNode(simName: string): string;
  /** Position in the file, from 0; also of the manager that goes with the node. */
  indexOf(name: string): number;
  /** `vm:101` is the VM `vm-101`. */
  vmName(service: string): string;
  /** UUID that the replay gives to the VM of a service. */
  vmId(service: string): string;
  /** Null for a VM that no service stands for. */
  serviceOf(vmId: string): string | null;
}

/** Ids are made by `uuid`, once for each service that the file has at its start or adds later. */
export function namesFor(scenario: Scenario, uuid: (service: string) => string): Names {
  const nodes = scenario.cluster.nodes.map((node) => node.name);
  const added = scenario.timeline.flatMap((action) =>
    action.action === 'service.add' ? [action.service] : [],
  );
  const services = new Set([...scenario.services.map((service) => service.id), ...added]);
  const ids = new Map([...services].map((service) => [service, uuid(service)]));
  const byId = new Map([...ids].map(([service, id]) => [id, service]));
  const indexOf = (name: string): number => {
    const index = nodes.indexOf(name);
    if (index < 0) throw new Error(`no node ${name} in ${scenario.id}`);
    return index;
  };
  return {
    simNode: (name) => `node-${indexOf(name) + 1}`,
    scenarioNode: (simName) => nodes[Number(simName.slice('node-'.length)) - 1] ?? simName,
    indexOf,
    vmName: (service) => service.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    vmId: (service) => ids.get(service) ?? '',
    serviceOf: (id) => byId.get(id) ?? null,
  };
}
