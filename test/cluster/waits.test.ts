import { expect, test } from 'vitest';
import { nodeId, vmId } from '../../src/core/model/ids.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

/** `yes`: it says what is awaited, and this command, which ends the wait; else what it says. */
async function explains(it: ClusterOfVms, topic: string, command: string): Promise<string> {
  const said = await it.explain(topic);
  const isExplained = said.awaiting.length > 0 && said.try.join('\n').includes(command);
  return isExplained ? 'yes' : JSON.stringify(said);
}

const idOf = (it: ClusterOfVms, vm: string) => {
  const found = it
    .homeOf(vm)
    .hypervisor.domains()
    .find(({ name }) => name === vm);
  return vmId(found?.vm ?? '');
};

test('I5: a VM of a silent node, the node and the fence operation say what is awaited, and the command that ends it', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  node.bmc.mode = { kind: 'dead' };
  it.cluster.world.network.isolate(node.name);
  await it.until(() => it.fencePhase() === 'intent');
  await it.runFor(20_000);
  for (const topic of ['vm-1', node.name, 'F-1']) {
    expect(await explains(it, topic, `kennel node confirm-off ${node.name}`)).toBe('yes');
  }
});

test('I5: a VM without a node that can take it says so, and what makes room', async () => {
  const bound = { 'vm-1': { nodes: [nodeId('node-1')] }, 'vm-2': {} };
  const it = await clusterOfVms({ vms: bound });
  await it.cluster.createVm('big', { memoryMiB: 1024 * 1024 });
  it.cluster.node('node-1').machine.powerOff();
  await it.until(() => it.stored('node/node-1')['phase'] === 'fenced');
  await it.runFor(20_000);
  expect(await explains(it, 'big', 'kennel vm edit big')).toBe('yes');
  // Its node is proven dead, and no other one may take it.
  expect(await explains(it, 'vm-1', 'kennel explain node-1')).toBe('yes');
});

test('I5: a VM that is tried again, given up, locked or waiting for another says what is awaited, and the command that ends it', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  const id = idOf(it, 'vm-1');
  for (const { hypervisor } of it.cluster.nodes) {
    hypervisor.setTemper(id, { starts: () => false, stops: true });
  }
  node.hypervisor.crash(id);
  await it.until(() => it.stored(`vm/${id}`)['phase'] === 'backoff');
  expect(await explains(it, 'vm-1', 'kennel vm start vm-1')).toBe('yes');
  await it.until(() => it.stored(`vm/${id}`)['phase'] === 'failed', 600_000);
  expect(await explains(it, 'vm-1', 'kennel vm start vm-1')).toBe('yes');

  const after = [
    {
      vm: 'vm-1',
      gate: { kind: 'running' as const },
      timeoutMs: 60_000,
      onTimeout: 'hold' as const,
    },
  ];
  await it.cluster.createVm('later', { after });
  await it.runFor(20_000);
  expect(await explains(it, 'later', 'kennel vm edit later')).toBe('yes');
  await it.runFor(60_000);
  expect(await explains(it, 'later', 'kennel vm start later')).toBe('yes');

  await it.must((service, caller) =>
    service.vmVerbs.lock('vm-2', { kind: 'backup', reason: null }, caller),
  );
  it.homeOf('vm-2').hypervisor.crash(idOf(it, 'vm-2'));
  await it.runFor(20_000);
  expect(await explains(it, 'vm-2', 'kennel vm unlock vm-2')).toBe('yes');
});

test('I5: a VM that does not stop says who has to, and what does it by force', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  node.hypervisor.setTemper(idOf(it, 'vm-1'), { starts: () => true, stops: false });
  await it.must((service, caller) =>
    service.stopVm('vm-1', { force: false, reason: null }, caller),
  );
  await it.runFor(20_000);
  expect(await explains(it, 'vm-1', 'kennel vm stop vm-1 --force')).toBe('yes');
});
