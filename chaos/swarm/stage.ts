import type { ClusterManager } from '../sim/cluster-manager.ts';
import type { ClusterNode } from '../sim/cluster-node.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { SimMachine } from '../sim/host.ts';
import type { SimDomain } from '../sim/sim-domain.ts';
import type { SimProcess } from '../sim/sim-process.ts';
import type { Target } from './scenario.ts';

export type StageHost =
  | { readonly kind: 'node'; readonly name: string; readonly node: ClusterNode }
  | { readonly kind: 'manager'; readonly name: string; readonly manager: ClusterManager };

/** Name of the n-th VM. */
export function vmName(number: number): string {
  return `vm-${number}`;
}

/** Finds who a fault or a client speaks of at this instant. */
export class Stage {
  readonly cluster: SimCluster;
  /** Managers whose disk is lost and not rebuilt yet. */
  readonly lostDisks = new Set<string>();

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
  }

  host(target: Target): StageHost | null {
    const { nodes, managers } = this.cluster;
    const leader = this.leader();
    if (target === 'leader') return leader === null ? null : asManager(leader);
    if (target === 'follower') {
      const follower = managers.find((each) => each !== leader);
      return follower === undefined ? null : asManager(follower);
    }
    if (target.startsWith('home-')) {
      const name = vmName(Number(target.slice('home-'.length)));
      const home = nodes.find((node) => node.runningVms().includes(name));
      return home === undefined ? null : asNode(home);
    }
    if (target.startsWith('copy-')) {
      const name = vmName(Number(target.slice('copy-'.length)));
      const copy = this.domains(name).find(({ domain }) => domain.transit?.kind === 'incoming');
      return copy === undefined ? null : asNode(copy.node);
    }
    const node = nodes.find((each) => each.name === target);
    if (node !== undefined) return asNode(node);
    const manager = managers.find((each) => each.name === target);
    return manager === undefined ? null : asManager(manager);
  }

  node(target: Target): ClusterNode | null {
    const host = this.host(target);
    return host?.kind === 'node' ? host.node : null;
  }

  manager(target: Target): ClusterManager | null {
    const host = this.host(target);
    return host?.kind === 'manager' ? host.manager : null;
  }

  /** Of those that believe they lead, the one whom the store has on the seat; else any. */
  leader(): ClusterManager | null {
    const leaders = this.cluster.leaders();
    const seated = this.cluster.store.leader;
    return leaders.find((each) => each.name === seated) ?? leaders[0] ?? null;
  }

  /** Every domain of a VM by that name, wherever it is defined. */
  domains(vm: string): readonly { readonly node: ClusterNode; readonly domain: SimDomain }[] {
    return this.cluster.nodes.flatMap((node) =>
      node.hypervisor
        .domains()
        .filter((domain) => domain.name === vm)
        .map((domain) => ({ node, domain })),
    );
  }

  everybody(): readonly string[] {
    const { nodes, managers } = this.cluster;
    return [...nodes, ...managers].map((each) => each.name);
  }
}

export function machineOf(host: StageHost): SimMachine {
  return host.kind === 'node' ? host.node.machine : host.manager.machine;
}

export function processOf(host: StageHost): SimProcess | null {
  return host.kind === 'node' ? host.node.process : host.manager.process;
}

export function serviceOf(host: StageHost): 'agent' | 'manager' {
  return host.kind === 'node' ? 'agent' : 'manager';
}

const asNode = (node: ClusterNode): StageHost => ({ kind: 'node', name: node.name, node });
const asManager = (manager: ClusterManager): StageHost => ({
  kind: 'manager',
  name: manager.name,
  manager,
});
