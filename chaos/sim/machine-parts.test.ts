import { expect, test } from 'vitest';
import { vmId } from '../../src/core/model/ids.ts';
import type { Disk } from '../../src/env/disk.ts';
import { SimBmc } from './bmc.ts';
import { HostClock } from './clock.ts';
import { SimDisk } from './disk.ts';
import { SimMachine } from './host.ts';
import {
  installDisk,
  installHypervisor,
  mountDisk,
  powerOf,
  recordWriters,
} from './machine-parts.ts';
import { SimNetwork } from './network.ts';
import { randomFromSeed } from './random.ts';
import { SimHost } from './sim-host.ts';
import { VirtualTime } from './virtual-time.ts';
import { worldEnv } from './world-env.ts';
import { WriteLog } from './write-log.ts';

const vm = vmId('00000000-0000-4000-8000-00000000000a');

function makeNode() {
  const time = new VirtualTime();
  const random = randomFromSeed(1);
  const env = worldEnv(time);
  const writes = new WriteLog();
  const machine = new SimMachine({
    time,
    name: 'node-1',
    clock: new HostClock(time),
    network: new SimNetwork(time, random.split('network')),
    random: random.split('node-1'),
  });
  const hypervisor: SimHost = new SimHost({
    timers: env.timers,
    capacity: { memoryMiB: 1024, vcpus: 4 },
    onDiskWriter: recordWriters(writes, {
      time,
      node: 'node-1',
      tokenOf: (id) => hypervisor.find(id)?.live?.permit?.token ?? null,
    }),
  });
  installHypervisor(machine, hypervisor);
  return { time, env, machine, hypervisor, writes };
}

test('guests write until their node loses power, frozen or not', async () => {
  const { time, machine, hypervisor, writes } = makeNode();
  machine.startBooted();
  await time.run(100);
  hypervisor.startByHand(vm, 'web');
  const disk = `${vm}/disk`;
  expect(writes.writers(disk)).toEqual([{ vm, node: 'node-1', token: null }]);
  await time.run(200);
  machine.freeze();
  await time.run(300);
  expect(writes.writers(disk)).toHaveLength(1);
  machine.powerOff();
  expect(writes.intervals(disk)).toMatchObject([{ fromMs: 100, toMs: 300 }]);
});

test('N7: guests of a thawed node go on writing', async () => {
  const { time, machine, hypervisor, writes } = makeNode();
  machine.startBooted();
  hypervisor.startByHand(vm, 'web');
  machine.freeze();
  await time.run(60_000);
  machine.thaw();
  expect(hypervisor.frozen).toBe(false);
  expect(writes.writers(`${vm}/disk`)).toHaveLength(1);
});

test('a BMC switches the machine and reads its power', async () => {
  const { time, env, machine } = makeNode();
  const bmc = new SimBmc({ env, power: powerOf(machine), guid: 'g', user: 'u', password: 'p' });
  const answers: unknown[] = [];
  machine.startBooted();
  for (const request of ['status', 'off', 'status', 'on', 'status'] as const) {
    bmc.request(request, (answer) => answers.push(answer));
    await time.runFor(1);
  }
  expect(answers).toEqual([
    { kind: 'power', power: 'on' },
    { kind: 'accepted' },
    { kind: 'power', power: 'off' },
    { kind: 'accepted' },
    { kind: 'power', power: 'on' },
  ]);
  expect(machine.state).toBe('booting');
});

test('a crash keeps what was written, a loss of power only what was synced', async () => {
  const kept = async (end: (machine: SimMachine) => void): Promise<readonly [number, string]> => {
    const { machine } = makeNode();
    const disk = new SimDisk();
    installDisk(machine, disk, { content: 'none', names: 'all' });
    const mounted: Disk[] = [];
    machine.addService({
      name: 'agent',
      restartAfterMs: null,
      start: (process) => mounted.push(mountDisk(process, disk)),
    });
    machine.startBooted();
    const [view] = mounted;
    if (view === undefined) throw new Error('the service did not start');
    const file = await view.open('/state', { create: true });
    await file.write(0, new Uint8Array([1, 2, 3]));
    await file.datasync();
    await file.write(3, new Uint8Array([4, 5]));
    await view.lock('/lock');
    end(machine);
    const next = disk.attach('the next process');
    return [(await next.read('/state'))?.length ?? 0, (await next.lock('/lock')).kind];
  };
  expect(await kept((machine) => machine.crashAgent())).toEqual([5, 'locked']);
  expect(await kept((machine) => machine.powerOff())).toEqual([3, 'locked']);
  expect(await kept((machine) => machine.freeze())).toEqual([5, 'held']);
});
