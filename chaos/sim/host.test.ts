import { expect, test } from 'vitest';
import { HostClock } from './clock.ts';
import { SimMachine } from './host.ts';
import { SimNetwork } from './network.ts';
import { randomFromSeed } from './random.ts';
import type { SimProcess } from './sim-process.ts';
import { VirtualTime } from './virtual-time.ts';

interface Started {
  readonly process: SimProcess;
  readonly bootId: string;
  readonly atMs: number;
}

function makeMachine(restartAfterMs: number | null = null) {
  const time = new VirtualTime();
  const random = randomFromSeed(1);
  const network = new SimNetwork(time, random.split('network'));
  const clock = new HostClock(time);
  const machine = new SimMachine({
    time,
    name: 'node-1',
    clock,
    network,
    random: random.split('node-1'),
    bootMs: 30_000,
  });
  const starts: Started[] = [];
  const losses: number[] = [];
  machine.onPowerLoss(() => losses.push(time.nowMs));
  machine.addService({
    name: 'agent',
    restartAfterMs,
    start: (process, bootId) => starts.push({ process, bootId, atMs: time.nowMs }),
  });
  return { time, network, clock, machine, starts, losses };
}

test('a machine starts its services when its boot is over, with a new boot id each time', async () => {
  const { time, network, machine, starts, losses } = makeMachine();
  expect(machine.hasPower).toBe(false);
  machine.powerOn();
  expect([machine.state, machine.hasPower, machine.bootId]).toEqual(['booting', true, null]);
  expect(network.reachable('m', 'node-1')).toBe(false);
  await time.run(40_000);
  expect(network.reachable('m', 'node-1')).toBe(true);
  machine.powerOff();
  expect(machine.serviceProcess('agent')).toBeNull();
  machine.powerOn();
  await time.run(80_000);
  expect(starts.map((start) => start.atMs)).toEqual([30_000, 70_000]);
  expect(starts[0]?.bootId).not.toBe(starts[1]?.bootId);
  expect(starts.map((start) => start.process.dead)).toEqual([true, false]);
  expect(losses).toEqual([40_000]);
});

test('power lost while booting ends that boot', async () => {
  const { time, machine, starts, losses } = makeMachine();
  machine.powerOn();
  await time.run(10_000);
  machine.powerOff();
  await time.run(100_000);
  expect(starts).toEqual([]);
  expect(losses).toEqual([]);
  expect(machine.state).toBe('off');
});

test('N9: a crashed agent comes back within the same boot', async () => {
  const { time, machine, starts } = makeMachine(2000);
  machine.startBooted();
  await time.run(1000);
  machine.crashAgent();
  await time.run(10_000);
  expect(starts.map((start) => start.atMs)).toEqual([0, 3000]);
  expect(starts[0]?.bootId).toBe(starts[1]?.bootId);
});

test('N10: an agent without restart stays down until it is restarted', async () => {
  const { time, machine, starts } = makeMachine(null);
  machine.startBooted();
  machine.crashAgent();
  await time.run(60_000);
  expect(starts).toHaveLength(1);
  machine.restartAgent();
  expect(starts.map((start) => start.process.dead)).toEqual([true, false]);
});

test('N6: a frozen machine holds its processes, keeps its boot and goes on late', async () => {
  const { time, clock, machine, starts, losses } = makeMachine();
  machine.startBooted();
  await time.run(1000);
  const bootId = machine.bootId;
  machine.freeze();
  const process = starts[0]?.process;
  let heardAtMs = -1;
  process?.enter(() => {
    heardAtMs = time.nowMs;
  });
  const before = clock.monotonicMs();
  await time.run(6000);
  expect([machine.state, machine.hasPower, heardAtMs]).toEqual(['frozen', true, -1]);
  machine.thaw();
  await time.run(6001);
  expect(heardAtMs).toBe(6000);
  expect(machine.bootId).toBe(bootId);
  expect(clock.monotonicMs() - before).toBeCloseTo(5001, 6);
  expect(losses).toEqual([]);
});

test('a process that is started while its machine is frozen waits for the thaw', async () => {
  const { time, machine, starts } = makeMachine(1000);
  machine.startBooted();
  machine.crashAgent();
  machine.freeze();
  await time.run(5000);
  expect(starts).toHaveLength(1);
  machine.thaw();
  await time.run(5001);
  expect(starts.map((start) => start.atMs)).toEqual([0, 5000]);
});

test('N3: a panicked machine has power, no kernel, and answers nothing until it is reset', async () => {
  const { time, network, machine, starts, losses } = makeMachine();
  machine.startBooted();
  machine.panic();
  await time.run(100_000);
  expect([machine.state, machine.hasPower, machine.bootId]).toEqual(['panicked', true, null]);
  expect(network.reachable('m', 'node-1')).toBe(false);
  expect(losses).toEqual([0]);
  machine.reset();
  await time.run(200_000);
  expect(starts).toHaveLength(2);
  expect(losses).toEqual([0]);
});

test('N7: power cut while frozen starts the clocks anew and nothing of before goes on', async () => {
  const { time, clock, machine, starts } = makeMachine();
  machine.startBooted();
  machine.freeze('both');
  let heard = false;
  starts[0]?.process.enter(() => {
    heard = true;
  });
  machine.powerOff();
  machine.thaw();
  machine.powerOn();
  await time.run(30_000);
  expect(machine.state).toBe('on');
  expect(heard).toBe(false);
  const uptimeMs = clock.monotonicMs();
  await time.run(31_000);
  expect(clock.monotonicMs() - uptimeMs).toBeCloseTo(1000, 6);
});
