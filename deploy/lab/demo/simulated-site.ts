import type { StatusView } from '../../../src/api/schema/views.ts';
import type { ClusterService } from '../../../src/api/cluster-service.ts';
import { identityOf } from '../../../chaos/sim/cluster-world.ts';
import { SimCluster } from '../../../chaos/sim/cluster.ts';
import type { Outcome } from '../../../src/core/problem.ts';
import { valueOf } from '../cluster/kennel-cluster.ts';
import type { DemoSite } from './site.ts';

/** Virtual time between two looks, and at most until something must hold, in ms. */
const lookMs = 50;
const patienceMs = 180_000;

/**
 * The same story without root or libvirt: the production manager, agents and fencing code on
 * simulated machines, hypervisors and BMCs, under virtual time.
 */
export async function openSimulatedSite(options: {
  readonly vms: number;
  readonly seed: number;
}): Promise<DemoSite> {
  const cluster = new SimCluster({ seed: options.seed, managers: 1, nodes: 3, bootMs: 8000 });
  await cluster.start();
  const site = siteOf(cluster, options.vms);
  await site.until('every node is online', (view) =>
    view.nodes.every((node) => node.state === 'online'),
  );
  for (let number = 1; number <= options.vms; number += 1) {
    await cluster.createVm(`disk-${number}`);
  }
  await site.until('every VM runs', (view) => view.vms.every((vm) => vm.state === 'running'));
  return site;
}

function siteOf(cluster: SimCluster, vms: number): DemoSite {
  const { time, writes } = cluster.world;
  const ask = async <T>(question: (service: ClusterService) => Promise<Outcome<T>>): Promise<T> =>
    valueOf(
      await cluster.ask((leader) => {
        if (leader.manager === null) throw new Error('the leader is gone');
        return question(leader.manager.service);
      }),
    );
  const caller = {
    identity: identityOf(cluster.world, 'admin', 'demo'),
    dryRun: false,
    reason: null,
  };
  return {
    simulated: true,
    description:
      'SIMULATED: three nodes, hypervisors and BMCs under virtual time; the manager, agents and fencing code are the real ones.',
    now: () => cluster.world.env.clock.wallIso(),
    status: () => ask((service) => service.status()),
    until: async (what, holds): Promise<StatusView> => {
      const endMs = time.nowMs + patienceMs;
      while (time.nowMs < endMs) {
        const view = await ask((service) => service.status());
        if (await holds(view)) return view;
        await time.run(time.nowMs + lookMs);
      }
      throw new Error(`waited in vain: ${what}`);
    },
    failovers: () => ask((service) => service.failovers()),
    eventsAfter: (sequence) => ask((service) => service.events(sequence, 1000)),
    powerLoss: async (node) => cluster.node(node).machine.powerOff(),
    freeze: async (node) => cluster.node(node).machine.freeze(),
    thaw: async (node) => cluster.node(node).machine.thaw(),
    powerOn: async (node) => void (await ask((service) => service.powerOn(node, caller))),
    witness: async () => {
      const names = Array.from({ length: vms }, (_, index) => `disk-${index + 1}`);
      const idle = names.filter((name) => cluster.whereIs(name).length === 0);
      return { disks: vms, overlaps: writes.overlaps().length, idle };
    },
    close: async () => undefined,
  };
}
