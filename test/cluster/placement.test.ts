import { expect, test } from 'vitest';
import { snapshotOfView } from '../../src/cli/plan/site-file.ts';
import type { Caller, ClusterService } from '../../src/api/cluster-service.ts';
import type { Outcome } from '../../src/core/problem.ts';
import { nodeId } from '../../src/core/model/ids.ts';
import { whatIfNodesFail } from '../../src/core/placement/what-if.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

const caller: Caller = {
  identity: { clusterId: 'c', role: 'admin', name: 'ann', fingerprint: 'f' },
  dryRun: false,
  reason: null,
};

async function asked<T>(
  it: ClusterOfVms,
  question: (service: ClusterService) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  return it.cluster.ask(({ manager }) => {
    if (manager === null) throw new Error('the leader is gone');
    return question(manager.service);
  });
}

async function answered<T>(
  it: ClusterOfVms,
  question: (service: ClusterService) => Promise<Outcome<T>>,
): Promise<T> {
  const outcome = await asked(it, question);
  if (outcome.kind === 'problem') throw new Error(outcome.problem.because);
  return outcome.value;
}

test.each([1, 2, 3])('a what-if equals what then happens, seed %i', async (seed) => {
  const sizes = [512, 256, 768, 256, 512, 384, 640, 256];
  const vms = Object.fromEntries(
    sizes.map((memoryMiB, index) => [`vm-${index + 1}`, { memoryMiB }] as const),
  );
  const it = await clusterOfVms({ seed, nodes: 4, vms });
  const rule = { strict: true, enabled: true };
  for (const body of [
    { ...rule, id: 'apart', type: 'apart' as const, vms: ['vm-1', 'vm-2'] },
    { ...rule, id: 'pair', type: 'together' as const, vms: ['vm-5', 'vm-9'] },
    {
      ...rule,
      id: 'likes',
      type: 'nodes' as const,
      vms: ['vm-3'],
      nodes: { 'node-4': 2, 'node-3': 1 },
      strict: false,
      failback: true,
    },
  ]) {
    await answered(it, (service) => service.addRule(body, caller));
  }
  const victim = it.homeOf('vm-1');
  const site = snapshotOfView(await answered(it, (service) => service.placement()));
  const plan = whatIfNodesFail(site, [nodeId(victim.name)]);
  expect(plan.placed.length).toBeGreaterThan(0);
  victim.machine.powerOff();
  await it.until(() => it.stored(`node/${victim.name}`)['phase'] === 'fenced');
  await it.until(() => it.everyVmRuns());
  for (const { waiting, placement } of plan.placed) {
    const { name } = waiting.vm.spec;
    expect([name, it.homeOf(name).name]).toEqual([
      name,
      placement.kind === 'placed' ? placement.node : null,
    ]);
  }
  expect(it.overlaps()).toEqual([]);
});

test('a rule that contradicts one in force is refused when it is written', async () => {
  const it = await clusterOfVms();
  const pair = { vms: ['vm-1', 'vm-2'], strict: true, enabled: true };
  await answered(it, (service) => service.addRule({ ...pair, id: 'a', type: 'apart' }, caller));
  const body = { ...pair, id: 'b', type: 'together' as const };
  const refused = await asked(it, (service) => service.addRule(body, caller));
  expect(refused).toMatchObject({
    problem: { code: 'E_RULE_CONFLICT', so: 'nothing was created' },
  });
  const soft = { ...body, strict: false };
  expect(await answered(it, (service) => service.addRule(soft, caller))).toMatchObject({ id: 'b' });
  expect(await answered(it, (service) => service.rules())).toHaveLength(2);
});

test('what would leave too little room for a failure is refused, with the calculation', async () => {
  const vms = { 'vm-1': { memoryMiB: 1024 }, 'vm-2': { memoryMiB: 1024 } };
  const it = await clusterOfVms({ nodes: 2, vms });
  const { policy, nodes } = await answered(it, (service) => service.placement());
  const failoverCapacity = { failures: 1, by: null };
  await answered(it, (service) =>
    service.setPlacementPolicy({ ...policy, failoverCapacity }, caller),
  );
  const free = (nodes[0]?.capacity.memoryMiB ?? 0) - 2048;
  const refused = await it.cluster.createVm('vm-3', { memoryMiB: free + 1 }).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  expect(refused).toContain('vm-3 is refused');
  await it.cluster.createVm('vm-4', { memoryMiB: free });
});
