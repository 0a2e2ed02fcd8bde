import { describe, expect, it } from 'vitest';
import type { FenceAttempt } from '../src/core/model/fence-operation.ts';
import { DeviceQueues } from './device-queue.ts';
import { type PowerOnResult, powerOn } from './power-on.ts';
import { driversOf } from './registry.ts';
import { FakeDevice, fakeDriver } from './testing/fake-device.ts';
import { VirtualEnv } from './testing/virtual-env.ts';

interface Trial {
  readonly world: VirtualEnv;
  readonly attempts: readonly FenceAttempt[];
  readonly result: Promise<PowerOnResult>;
  readonly abort: () => void;
}

function turnOn(devices: readonly FakeDevice[], outstanding = () => false): Trial {
  const world = new VirtualEnv();
  const abort = new AbortController();
  const attempts: FenceAttempt[] = [];
  const result = powerOn({
    env: world.env,
    drivers: driversOf([fakeDriver(devices)]),
    queues: new DeviceQueues(world.env),
    secretsOf: () => Promise.resolve({}),
    devices: devices.map(({ record }) => record),
    level: 1,
    outstanding,
    onAttempt: (attempt) => attempts.push(attempt),
    signal: abort.signal,
  });
  return { world, attempts, result, abort: () => abort.abort() };
}

function off(id: string): FakeDevice {
  const device = new FakeDevice(id);
  device.power = 'off';
  return device;
}

describe('powerOn', () => {
  it('turns all devices on and reads it back', async () => {
    const devices = [off('left'), off('right')];
    const { world, result, attempts } = turnOn(devices);
    expect(await world.settle(result)).toEqual({ kind: 'on' });
    expect(devices.map((device) => device.count('on'))).toEqual([1, 1]);
    expect(attempts.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['on', 'accepted'],
      ['on', 'accepted'],
    ]);
  });

  it('leaves a device alone that is on already', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, result } = turnOn([bmc]);
    expect(await world.settle(result)).toEqual({ kind: 'on' });
    expect(bmc.count('on')).toBe(0);
  });

  it('refuses while an off may be in flight', async () => {
    const bmc = off('bmc');
    const { world, result } = turnOn([bmc], () => true);
    expect(await world.settle(result)).toMatchObject({ kind: 'refused' });
    expect(bmc.calls).toEqual([]);
  });

  it('refuses when an off begins before it is its turn', async () => {
    const bmc = off('bmc');
    const { world, result } = turnOn([bmc], () => bmc.calls.length > 0);
    expect(await world.settle(result)).toMatchObject({ kind: 'refused' });
    expect(bmc.count('on')).toBe(0);
  });

  it('a BMC that drops the on is told a second time, on record, and no third time', async () => {
    const bmc = off('bmc');
    bmc.effect = () => {};
    const { world, result, attempts } = turnOn([bmc]);
    expect(await world.settle(result)).toMatchObject({
      kind: 'failed',
      device: 'bmc',
      error: { code: 'NOT_VERIFIED', mayHaveActed: true },
    });
    expect(attempts.map(({ detail }) => detail)).toEqual([
      'done',
      'sent again, the node still read Off: done',
    ]);
    expect(world.nowMs).toBeLessThan(32_000);
  });

  it('an ambiguous on is resolved by reading', async () => {
    const bmc = off('bmc');
    bmc.failure = (call) => {
      if (call !== 'on') return null;
      bmc.power = 'on';
      return 'TIMEOUT';
    };
    const { world, result } = turnOn([bmc]);
    expect(await world.settle(result)).toEqual({ kind: 'on' });
    expect(bmc.count('on')).toBe(1);
  });

  it('B8: nothing is sent to a device of another machine', async () => {
    const bmc = off('bmc');
    const { world, result } = turnOn([bmc]);
    bmc.identity = 'guid-of-another';
    expect(await world.settle(result)).toMatchObject({
      kind: 'failed',
      error: { code: 'IDENTITY_MISMATCH', mayHaveActed: false },
    });
    expect(bmc.count('on')).toBe(0);
  });

  it('gives up at once when the credential is refused', async () => {
    const bmc = off('bmc');
    bmc.failure = () => 'AUTH_PASSWORD';
    const { world, result } = turnOn([bmc]);
    expect(await world.settle(result)).toMatchObject({ error: { code: 'AUTH_PASSWORD' } });
    expect(world.nowMs).toBeLessThan(1000);
  });

  it('ends when aborted', async () => {
    const bmc = off('bmc');
    bmc.effect = () => {};
    const { world, result, abort } = turnOn([bmc]);
    await world.advance(3000);
    abort();
    expect(await world.settle(result)).toMatchObject({ kind: 'failed' });
    expect(world.nowMs).toBe(3000);
  });
});
