import { expect, test } from 'vitest';
import type { ActOnVm } from '../../src/api/schema/requests.ts';
import type { VmView } from '../../src/api/schema/views.ts';
import { identityOf } from '../../chaos/sim/cluster-world.ts';
import type { ClusterOfVms } from './testing/cluster-of-vms.ts';
import { clusterOfVms } from './testing/cluster-of-vms.ts';

async function act(
  site: ClusterOfVms,
  vm: string,
  verb: ActOnVm['verb'],
  request = verb as string,
): Promise<VmView> {
  const { cluster } = site;
  const caller = {
    identity: identityOf(cluster.world, 'admin', 'ann'),
    dryRun: false,
    reason: null,
  };
  const outcome = await cluster.ask(({ manager }) => {
    if (manager === null) throw new Error('the leader is gone');
    return manager.service.vmVerbs.act(vm, { verb, request, force: false }, caller);
  });
  if (outcome.kind === 'problem') throw new Error(outcome.problem.because);
  return outcome.value;
}

async function state(site: ClusterOfVms, vm: string, wanted: VmView['state']): Promise<void> {
  for (let look = 0; look < 60; look += 1) {
    if ((await site.vm(vm)).state === wanted) return;
    await site.runFor(500);
  }
  throw new Error(`${vm} did not become ${wanted}`);
}

test('a VM is paused for minutes without a new start, and goes on', async () => {
  const site = await clusterOfVms();
  const home = site.homeOf('vm-1');
  await act(site, 'vm-1', 'pause');
  await state(site, 'vm-1', 'paused');
  await site.runFor(180_000);
  expect(await site.vm('vm-1')).toMatchObject({ state: 'paused', permit: { token: 1 } });
  expect(site.homeOf('vm-1').name).toBe(home.name);
  await act(site, 'vm-1', 'resume');
  await state(site, 'vm-1', 'running');
  expect((await site.vm('vm-1')).acted).toMatchObject([
    { verb: 'pause', by: 'ann', outcome: 'done' },
    { verb: 'resume', outcome: 'done' },
  ]);
}, 60_000);

test('a paused VM is recovered off its dead node as any other, and runs there', async () => {
  const site = await clusterOfVms();
  const home = site.homeOf('vm-1');
  await act(site, 'vm-1', 'pause');
  await state(site, 'vm-1', 'paused');
  home.machine.powerOff();
  await site.until(() => {
    const [now] = site.cluster.whereIs('vm-1');
    return now !== undefined && now !== home.name;
  });
  await state(site, 'vm-1', 'running');
  expect(site.overlaps()).toEqual([]);
}, 60_000);

test('a restart is a new start on the same node', async () => {
  const site = await clusterOfVms();
  const home = site.homeOf('vm-1').name;
  const asked = await act(site, 'vm-1', 'restart');
  expect(asked.state).toBe('stopping');
  await site.until(() => site.stored(`vm/${asked.id}`)['phase'] === 'running');
  const now = await site.vm('vm-1');
  expect({ node: now.node, token: now.permit?.token }).toEqual({ node: home, token: 2 });
  await act(site, 'vm-1', 'restart');
  expect((await site.vm('vm-1')).permit?.token).toBe(2);
}, 60_000);
