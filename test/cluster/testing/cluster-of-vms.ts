import { SimCluster } from '../../../chaos/sim/cluster.ts';
import type { SimClusterOptions } from '../../../chaos/sim/cluster.ts';
import type { ClusterNode } from '../../../chaos/sim/cluster-node.ts';
import { identityOf } from '../../../chaos/sim/cluster-world.ts';
import type { WatchdogTraits } from '../../../chaos/sim/watchdog-device.ts';
import type { Caller, ClusterService } from '../../../src/api/cluster-service.ts';
import type { ExplanationView, StatusView, VmView } from '../../../src/api/schema/views.ts';
import type { Outcome } from '../../../src/core/problem.ts';
import type { VmSpec } from '../../../src/core/model/vm.ts';

export interface VmsOptions extends Partial<SimClusterOptions> {
  /** What each VM has of its own, by name. Default: `vm-1` to `vm-3`, nothing special. */
  readonly vms?: Readonly<Record<string, Partial<VmSpec>>>;
}

/** A simulated cluster whose VMs all run, once each, and what tests ask of it. */
export class ClusterOfVms {
  readonly cluster: SimCluster;
  readonly vms: readonly string[];

  constructor(cluster: SimCluster, vms: readonly string[]) {
    this.cluster = cluster;
    this.vms = vms;
  }

  /** Virtual time until the condition holds; throws when it does not within the time. */
  async until(condition: () => boolean, withinMs = 60_000): Promise<void> {
    const { time } = this.cluster.world;
    const sinceMs = time.nowMs;
    if (await time.runUntil(condition, withinMs)) return;
    throw new Error(`it did not come between ${sinceMs} and ${time.nowMs} ms`);
  }

  runFor(ms: number): Promise<void> {
    return this.cluster.world.time.runFor(ms);
  }

  everyVmRuns(): boolean {
    return this.vms.every((vm) => this.cluster.whereIs(vm).length === 1);
  }

  /** The node on which a VM runs now. */
  homeOf(vm: string): ClusterNode {
    const [home] = this.cluster.whereIs(vm);
    if (home === undefined) throw new Error(`${vm} runs nowhere`);
    return this.cluster.node(home);
  }

  /** What the store holds under a key; empty when it is absent. */
  stored(key: string): Readonly<Record<string, unknown>> {
    const text = this.cluster.store.machine.get(key)?.value ?? '{}';
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  }

  fencePhase(): unknown {
    return this.stored('fence/F-1')['phase'];
  }

  /** Asks whoever leads, as a person with every right. */
  ask<T>(
    question: (service: ClusterService, caller: Caller) => Promise<Outcome<T>>,
    reason: string | null = null,
  ): Promise<Outcome<T>> {
    const identity = identityOf(this.cluster.world, 'admin', 'test');
    return this.cluster.ask(({ manager }) => {
      if (manager === null) throw new Error('the leader is gone');
      return question(manager.service, { identity, dryRun: false, reason });
    });
  }

  /** The same where a refusal is a failure of the test. */
  async must<T>(
    question: (service: ClusterService, caller: Caller) => Promise<Outcome<T>>,
  ): Promise<T> {
    const outcome = await this.ask(question);
    if (outcome.kind === 'problem') {
      throw new Error(`${outcome.problem.what}: ${outcome.problem.because}`);
    }
    return outcome.value;
  }

  /** What the leader tells of a VM. */
  vm(name: string): Promise<VmView> {
    return this.must((service) => service.vm(name));
  }

  /** Coded lines of `kennel status`. */
  async findings(): Promise<StatusView['findings']> {
    return (await this.must((service) => service.status())).findings;
  }

  explain(topic: string): Promise<ExplanationView> {
    return this.must((service) => service.explain(topic));
  }

  /** When each VM could write to its disk, and where: equal to itself while nothing begins or ends. */
  history(): unknown {
    const { writes } = this.cluster.world;
    return writes.disks().map((disk) => writes.intervals(disk));
  }

  /** Power-off commands that reached the device of each node. */
  offs(): readonly number[] {
    return this.cluster.nodes.map(({ bmc }) => bmc.received.off);
  }

  /** Writers of disks that were there at one time on two nodes. */
  overlaps(): readonly unknown[] {
    return this.cluster.world.writes.overlaps();
  }
}

/** What a node needs to fence itself. */
export const strongWatchdog: WatchdogTraits = {
  kind: 'strong',
  timeoutMs: 5000,
  resetMs: 500,
  held: true,
};

/** Starts the cluster and waits until each VM runs on one node. */
export async function clusterOfVms(options: VmsOptions = {}): Promise<ClusterOfVms> {
  const { vms = { 'vm-1': {}, 'vm-2': {}, 'vm-3': {} }, ...rest } = options;
  const fixed = { seed: 1, managers: 3, nodes: 3, declareCapacity: true };
  const cluster = new SimCluster({ ...fixed, ...rest });
  const it = new ClusterOfVms(cluster, Object.keys(vms));
  await cluster.start();
  for (const [name, patch] of Object.entries(vms)) await cluster.createVm(name, patch);
  await it.until(() => it.everyVmRuns());
  return it;
}
