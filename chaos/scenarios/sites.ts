import type { ClusterManager } from '../sim/cluster-manager.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { LinkProfile } from '../sim/link.ts';
import type { SimProcess } from '../sim/sim-process.ts';

export type ManagerLayout = 'with-nodes' | 'apart';

/**
 * Which machine stands where, and what the cluster network and the store's quorum make of it.
 * `with-nodes` puts manager n on the machine of node n: one power supply, one network cable. The
 * fencing network is another one and isolation leaves it alone.
 *
 * The simulated store has no members of its own. So that it is reached exactly where a store with
 * one member per manager could be, managers outside of the connected majority are cut off from it.
 */
export class Sites {
  readonly #cluster: SimCluster;
  readonly #layout: ManagerLayout;
  readonly #isolated = new Set<number>();
  readonly #withoutStore = new Set<number>();
  /** One-way cuts that a scenario asked for by name, `from>to`. */
  readonly #cuts = new Set<string>();
  /** What was last told to the store, by manager. */
  readonly #told: { process: SimProcess | null; reaches: boolean }[];

  constructor(cluster: SimCluster, layout: ManagerLayout) {
    this.#cluster = cluster;
    this.#layout = layout;
    this.#told = cluster.managers.map(() => ({ process: null, reaches: true }));
    if (layout === 'with-nodes') this.#joinFates();
  }

  /** The manager of a node's site; undefined when there is none. */
  managerOf(index: number): ClusterManager | undefined {
    return this.#cluster.managers[index];
  }

  isolate(index: number): void {
    this.#isolated.add(index);
    this.#applyCuts();
  }

  reconnect(index: number): void {
    this.#isolated.delete(index);
    this.#applyCuts();
  }

  isIsolated(index: number): boolean {
    return this.#isolated.has(index);
  }

  setStoreAccess(index: number, works: boolean): void {
    if (works) this.#withoutStore.delete(index);
    else this.#withoutStore.add(index);
    this.settle();
  }

  cutLink(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
    this.#applyCuts();
  }

  healLink(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`);
    this.#applyCuts();
  }

  setProfile(from: string, to: string, profile: LinkProfile): void {
    this.#cluster.world.network.setProfile(from, to, profile);
  }

  /** Whether a majority of the managers runs and is connected. */
  hasQuorum(): boolean {
    const { managers } = this.#cluster;
    return managers.filter((_, index) => this.#isConnected(index)).length * 2 > managers.length;
  }

  /** Brings the store's links up to date; cheap enough to call after every event. */
  settle(): void {
    const quorum = this.hasQuorum();
    for (const [index, manager] of this.#cluster.managers.entries()) {
      const told = this.#told[index];
      const { process } = manager;
      if (told === undefined || process === null) continue;
      const reaches = quorum && this.#isConnected(index) && !this.#withoutStore.has(index);
      // A new process has a new link, which is whole.
      const before = told.process === process ? told.reaches : true;
      told.process = process;
      told.reaches = reaches;
      if (reaches === before) continue;
      if (reaches) this.#cluster.store.heal(manager.name);
      else this.#cluster.store.cut(manager.name);
    }
  }

  #isConnected(index: number): boolean {
    const isolated = this.#layout === 'with-nodes' && this.#isolated.has(index);
    return !isolated && this.#cluster.managers[index]?.machine.state === 'on';
  }

  /** A manager on a node's machine boots, stands still and loses power with it. */
  #joinFates(): void {
    for (const [index, { machine }] of this.#cluster.nodes.entries()) {
      const manager = this.#cluster.managers[index];
      if (manager === undefined) continue;
      machine.onBoot(() => manager.machine.startBooted());
      machine.onPowerLoss(() => manager.machine.powerOff());
      machine.onFreeze((frozen) => {
        if (frozen) manager.machine.freeze();
        else manager.machine.thaw();
      });
    }
  }

  /** Index of the site that a host of the cluster network belongs to; null = not on it, or apart. */
  #sites(): readonly {
    readonly host: string;
    readonly site: number | null;
    readonly lan: boolean;
  }[] {
    const { managers, nodes } = this.#cluster;
    const shared = this.#layout === 'with-nodes';
    return [
      ...nodes.map((node, index) => ({ host: node.name, site: index, lan: true })),
      ...managers.map((one, index) => ({ host: one.name, site: shared ? index : null, lan: true })),
      ...nodes.map((node) => ({ host: node.fencedBy.bmcHost, site: null, lan: false })),
    ];
  }

  #applyCuts(): void {
    const { network } = this.#cluster.world;
    const sites = this.#sites();
    for (const a of sites) {
      for (const b of sites) {
        if (a.host === b.host) continue;
        const sameMachine = a.site !== null && a.site === b.site;
        const isolated =
          a.lan && b.lan && !sameMachine && (this.#isOff(a.site) || this.#isOff(b.site));
        if (isolated || this.#cuts.has(`${a.host}>${b.host}`)) network.cut(a.host, b.host);
        else network.heal(a.host, b.host);
      }
    }
    this.settle();
  }

  #isOff(site: number | null): boolean {
    return site !== null && this.#isolated.has(site);
  }
}
