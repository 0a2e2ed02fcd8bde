import { expect, test } from 'vitest';
import { ClusterNode } from '../../chaos/sim/cluster-node.ts';
import { sessionPort } from '../../chaos/sim/cluster-manager.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

/** Another machine whose disk is a copy of that node's, and which has just booted. */
function bootCopyOf(it: ClusterOfVms, original: ClusterNode): ClusterNode {
  const { cluster } = it;
  const copy = new ClusterNode(cluster.world, {
    name: 'a-copy',
    managers: cluster.managers.map(({ name }) => ({ host: name, port: sessionPort })),
    capacity: { memoryMiB: 64 * 1024, vcpus: 32 },
    bootMs: 5000,
    declareCapacity: true,
    agentRestartMs: 2000,
    watchdog: null,
    copyOf: original,
  });
  copy.machine.startBooted();
  return copy;
}

test.each([1, 3])(
  'N23: a copy of the system image of a node that lives is refused, with an alarm, and takes nothing (%d managers)',
  async (managers) => {
    const it = await clusterOfVms({ managers });
    const original = it.homeOf('vm-1');
    const before = it.history();
    const copy = bootCopyOf(it, original);
    await it.runFor(30_000);
    expect(it.history()).toEqual(before);
    expect(it.cluster.store.machine.list('fence/').map(({ key }) => key)).toEqual([]);
    expect(copy.hypervisor.domains()).toEqual([]);
    const findings = await it.findings();
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'NODE_TWICE', severity: 'critical', subject: original.name }),
    );
    // It is turned off, and the alarm ends.
    copy.machine.powerOff();
    await it.runFor(120_000);
    expect((await it.findings()).map(({ code }) => code)).not.toContain('NODE_TWICE');
    expect(original.agent?.status().leaseLeftMs).toBeGreaterThan(0);
    expect(it.history()).toEqual(before);
  },
);
