import { expect, test } from 'vitest';
import { ClusterNode } from '../../chaos/sim/cluster-node.ts';
import { sessionPort } from '../../chaos/sim/cluster-manager.ts';
import { clusterOfVms, strongWatchdog, type ClusterOfVms } from './testing/cluster-of-vms.ts';

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

/** A VM of one node, and a node that lies about it by what it sends on its own session. */
async function withRogue(stays: boolean) {
  const it = await clusterOfVms({ managers: 1 });
  const home = it.homeOf('vm-1');
  const rogue = it.cluster.nodes.find((node) => node !== home && node.runningVms().length > 0);
  const domain = home.hypervisor.domains().find(({ name }) => name === 'vm-1');
  if (rogue === undefined || domain === undefined) throw new Error('nobody can lie');
  if (stays) home.hypervisor.setTemper(domain.vm, { starts: () => true, stops: false });
  const { network } = it.cluster.world;
  const say = (message: object): void => {
    expect(network.replay(rogue.name, 'm-1', message as never)).toBe(true);
  };
  const { permit } = it.stored(`vm/${domain.vm}`) as { permit: { token: number } };
  /** All that could be taken for the end of the VM, in every form that the wire has. */
  const claimDead = (): void => {
    const ends = ['release', 'abort', 'drop', 'permit', 'start'];
    for (const verb of ends) {
      for (const token of [permit.token, permit.token + 1]) {
        const operation = `${verb}/${domain.vm}/${token}`;
        for (const id of [operation, `${operation}/grace`, `${operation}/now`]) {
          say({ kind: 'result', operation: id, outcome: { kind: 'done' } });
        }
      }
    }
    const report = {
      sequence: 1_000_000 + it.cluster.world.time.nowMs * 1000,
      hypervisor: 'ok',
      domains: [
        {
          vm: domain.vm,
          name: 'vm-1',
          active: false,
          state: 'shutOff',
          reason: 'destroyed',
          permit,
        },
      ],
      capacity: { memoryMiB: 65_536, vcpus: 32 },
      degraded: null,
      mending: null,
      leaving: null,
    };
    say({ kind: 'report', report });
    const sight = { node: home.name, bootId: null, ageMs: null };
    say({ kind: 'sightings', acknowledged: null, nodes: [sight] });
  };
  return { it, home, rogue, domain, claimDead };
}

test('X1: a rogue agent that says that a VM of a silent node is dead frees nothing', async () => {
  const { it, home, claimDead } = await withRogue(false);
  home.bmc.mode = { kind: 'dead' };
  it.cluster.world.network.isolate(home.name);
  for (let passed = 0; passed < 60_000; passed += 1000) {
    claimDead();
    await it.runFor(1000);
  }
  expect(it.cluster.whereIs('vm-1')).toEqual([home.name]);
  expect(it.stored('fence/F-1')['proof']).toBeNull();
  expect(it.overlaps().filter((one) => JSON.stringify(one).includes('vm-1'))).toEqual([]);
});

test('X1: nor one that says that another node has released a VM that is to move', async () => {
  const { it, home, rogue, domain, claimDead } = await withRogue(true);
  const target = it.cluster.nodes.find((node) => node !== home && node !== rogue);
  if (target === undefined) throw new Error('there is no third node');
  const limits = { bandwidthMiBs: null, autoConverge: false, deadlineMs: 60_000 };
  await it.must((service, caller) =>
    service.moveVm('vm-1', { to: target.name, way: 'cold', limits }, caller),
  );
  await it.until(() => it.stored(`vm/${domain.vm}`)['phase'] === 'stopping');
  await it.runFor(200);
  // Its owner cannot say otherwise any more.
  home.bmc.mode = { kind: 'dead' };
  it.cluster.world.network.isolate(home.name);
  for (let passed = 0; passed < 30_000; passed += 500) {
    claimDead();
    await it.runFor(500);
    expect(it.cluster.whereIs('vm-1')).toEqual([home.name]);
  }
});

test('X2: acknowledgements that are sent again renew no lease: a node that is cut off kills its VMs in time', async () => {
  const kept: unknown[] = [];
  let isKept = false;
  const it = await clusterOfVms({
    managers: 1,
    watchdogs: Object.fromEntries(
      ['node-1', 'node-2', 'node-3'].map((name) => [name, strongWatchdog]),
    ),
    taps: {
      left: ({ from, to, message }) => {
        const isAck = (message as { kind?: unknown }).kind === 'ack';
        if (isKept && isAck && from === 'm-1' && to === 'node-1') kept.push(message);
      },
    },
  });
  const node = it.cluster.node('node-1');
  await it.runFor(5000);
  expect(node.runningVms()).toHaveLength(1);
  isKept = true;
  // Its agent starts anew, so that some of them are of another incarnation.
  await it.runFor(3000);
  node.machine.crashAgent();
  await it.until(() => (node.agent?.status().leaseLeftMs ?? 0) > 0);
  await it.runFor(3000);
  isKept = false;
  node.bmc.mode = { kind: 'dead' };
  const { network } = it.cluster.world;
  network.isolate(node.name);
  network.heal('m-1', node.name);
  const leftMs = node.agent?.status().leaseLeftMs ?? 0;
  expect(kept.length).toBeGreaterThan(10);
  let replayed = 0;
  for (let passed = 0; passed < 6000; passed += 250) {
    for (const message of kept) {
      if (network.replay('m-1', node.name, message as never)) replayed += 1;
    }
    await it.runFor(250);
    expect(node.agent?.status().leaseLeftMs ?? 0).toBeLessThanOrEqual(Math.max(0, leftMs - passed));
  }
  expect(replayed).toBeGreaterThan(100);
  expect(node.agent?.status().leaseLeftMs ?? 0).toBe(0);
  await it.until(() => node.runningVms().length === 0, 3500);
});
