import { expect, test } from 'vitest';
import { SimCluster } from '../../chaos/sim/cluster.ts';

const vms = ['vm-1', 'vm-2', 'vm-3'];

/**
 * A node hangs with its power on, so the leader must send `off`. It is paused as soon as the fence
 * operation is in this phase, and goes on when the next leader has fenced the node, restarted its
 * VMs elsewhere, and let the rebooted node in again. A leader that is not `aware` of its end does
 * not hear that node either.
 */
async function resumedAfter(phase: 'intent' | 'acting', options: { readonly aware: boolean }) {
  const storeLeaseMs = options.aware ? 4000 : 3_600_000;
  const cluster = new SimCluster({
    seed: 1,
    managers: 3,
    nodes: 3,
    declareCapacity: true,
    storeLeaseMs,
  });
  const { store, world } = cluster;
  const until = async (condition: () => boolean): Promise<void> => {
    if (!(await world.time.runUntil(condition, 120_000))) throw new Error('never came');
  };
  const everyVmRuns = (): boolean => vms.every((vm) => cluster.whereIs(vm).length === 1);
  const stored = (key: string): string => store.machine.get(key)?.value ?? '';
  await cluster.start();
  for (const vm of vms) await cluster.createVm(vm);
  await until(everyVmRuns);
  const [old] = cluster.leaders();
  const [home = ''] = cluster.whereIs('vm-1');
  const node = cluster.node(home);
  node.machine.panic();
  await until(() => stored('fence/F-1').includes(`"phase":"${phase}"`));
  old?.process?.pause('stopped');
  if (!options.aware) store.expire(old?.name ?? '', { tell: false });
  await until(() => node.machine.state === 'off');
  await until(everyVmRuns);
  node.machine.powerOn();
  await until(() => stored(`node/${home}`).includes('"phase":"online"'));
  if (!options.aware) world.network.cutBoth(old?.name ?? '', home);
  const sent = node.bmc.executed.off;
  old?.process?.resume('stopped');
  await world.time.runFor(60_000);
  return { cluster, node, sent };
}

test.each([
  ['intent', true],
  ['acting', true],
  ['intent', false],
  ['acting', false],
] as const)(
  'M2 M3: a leader paused while a fence is in %s, told of its end: %s, powers off no node that is back',
  async (phase, aware) => {
    const { cluster, node, sent } = await resumedAfter(phase, { aware });
    expect(sent).toBe(1);
    expect(node.bmc.executed.off).toBe(1);
    expect(node.machine.state).toBe('on');
    expect(cluster.world.writes.overlaps()).toEqual([]);
  },
);
