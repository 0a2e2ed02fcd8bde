import { expect, test } from 'vitest';
import { VirtualTime } from '../../chaos/sim/virtual-time.ts';
import { healthyStatus, sampleVm } from '../cli/testing/sample-views.ts';
import { ok } from '../core/problem.ts';
import { ClusterSight } from './cluster-sight.ts';
import type { Managers } from './managers.ts';

test('what a VM uses of its node is no change of it, and what it is wanted to be is one', async () => {
  const time = new VirtualTime();
  let vm = sampleVm({ name: 'db' });
  const managers = {
    status: () => Promise.resolve(ok({ ...healthyStatus, vms: [vm], nodes: [] })),
    failovers: () => Promise.resolve(ok([])),
    maintenance: () => Promise.resolve(ok([])),
  } as unknown as Managers;
  const timers = { after: (ms: number, run: () => void) => time.schedule(ms, run) };
  const env = { timers, log: { warn: () => undefined } } as unknown as ConstructorParameters<
    typeof ClusterSight
  >[0];
  const sight = new ClusterSight(env, managers);
  const changed: string[][] = [];
  const ignored = (): void => undefined;
  sight.listen({
    onVms: (names) => changed.push([...names]),
    onNodes: ignored,
    onFailovers: ignored,
    onMaintenance: ignored,
  });
  const { signal } = new AbortController();
  await sight.look(signal);
  vm = { ...vm, usage: { cpus: 1.9, memoryMiB: 2000 } };
  await sight.look(signal);
  vm = { ...vm, desired: 'stopped' };
  await sight.look(signal);
  expect(changed).toEqual([['db'], [], ['db']]);
  expect(sight.vms.get('db')?.usage).toEqual({ cpus: 1.9, memoryMiB: 2000 });
});
