import { describe, expect, test } from 'vitest';
import { DeviceQueues } from '../../fencing/device-queue.ts';
import { driversOf } from '../../fencing/registry.ts';
import { fenceId, nodeId } from '../core/model/ids.ts';
import type { FenceRequest, NumberedLevel } from '../core/plan.ts';
import { StoreUnavailable } from '../store/store.ts';
import { FenceRunner } from './fence-runner.ts';
import { ObservationBook } from './observation-book.ts';
import { ManagerWorld } from './testing/manager-world.ts';
import { fakeDevice } from './testing/test-objects.ts';

const fence = fenceId('F-1');
const node = nodeId('node-1');
const oneLevel: readonly NumberedLevel[] = [{ number: 1, devices: [fakeDevice('node-1')] }];

const request = (change: Partial<FenceRequest> = {}): FenceRequest => ({
  fence,
  node,
  levels: oneLevel,
  level: 1,
  told: change.mayAct === true ? ['node-1/bmc'] : [],
  mayAct: false,
  ...change,
});

function runnerBench() {
  const world = new ManagerWorld();
  const { env } = world.managerEnv();
  const device = world.fencing.add('node-1');
  const book = new ObservationBook(env.clock);
  const asked: string[] = [];
  const bench = {
    secrets: (): Promise<Readonly<Record<string, string>>> => Promise.resolve({ password: 'p1' }),
    isLeader: true,
    observed: 0,
  };
  const runner = new FenceRunner({
    env,
    drivers: driversOf([world.fencing.driver]),
    queues: new DeviceQueues(env),
    book,
    secretsOf: (of, id) => {
      asked.push(`${of} ${id}`);
      return bench.secrets();
    },
    confirm: () => Promise.resolve(bench.isLeader),
    onObserved: () => {
      bench.observed += 1;
    },
  });
  const seen = () => {
    const observation = book.fence(fence);
    if (observation === undefined) throw new Error('no observation');
    return observation;
  };
  return Object.assign(bench, { world, device, book, runner, asked, seen });
}

describe('an execution', () => {
  test('runs for each operation of the plan, and only reads before it may act', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.run(30_000);
    expect(it.device.count('status')).toBeGreaterThan(3);
    expect(it.device.count('off')).toBe(0);
    expect(it.seen().readings.at(-1)).toMatchObject({ device: 'node-1/bmc', power: 'on' });
    await it.world.wait(it.runner.stopAll());
  });

  test('is one and the same however often the plan asks for it', async () => {
    const it = runnerBench();
    for (let count = 0; count < 5; count += 1) it.runner.reconcile([request()]);
    await it.world.run(2500);
    expect(it.device.mostInFlight).toBe(1);
    expect(it.device.count('status')).toBeLessThanOrEqual(3);
    await it.world.wait(it.runner.stopAll());
  });

  test('stops when the plan asks for it no more, and is forgotten', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.run(1500);
    it.runner.reconcile([]);
    await it.world.run(1000);
    const calls = it.device.calls.length;
    await it.world.run(30_000);
    expect(it.device.calls).toHaveLength(calls);
    expect(it.book.fence(fence)).toBeUndefined();
    expect(it.world.time.pending).toBe(0);
  });

  test('keeps 64 readings of a device, the first and the last', async () => {
    const it = runnerBench();
    it.device.power = 'off';
    it.runner.reconcile([request()]);
    await it.world.run(1000);
    const [first] = it.seen().readings;
    await it.world.run(400_000);
    expect(it.seen().readings).toHaveLength(64);
    expect(it.seen().readings[0]).toBe(first);
    expect(it.device.count('status')).toBeGreaterThan(300);
    await it.world.wait(it.runner.stopAll());
  });

  test('tells when the device first read Off, by the wall clock', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.run(5000);
    expect(it.seen().firstOffWall).toBeNull();
    it.device.power = 'off';
    await it.world.until(() => it.seen().firstOffWall !== null);
    const first = it.seen().firstOffWall;
    await it.world.run(5000);
    expect(it.seen().firstOffWall).toBe(first);
    await it.world.wait(it.runner.stopAll());
  });

  test('tells the last error of a device until it answers again', async () => {
    const it = runnerBench();
    it.device.failure = () => 'UNREACHABLE';
    it.runner.reconcile([request()]);
    await it.world.run(3000);
    expect(it.seen().errors.get('node-1/bmc')).toMatchObject({ code: 'UNREACHABLE' });
    it.device.failure = () => null;
    await it.world.run(3000);
    expect(it.seen().errors.size).toBe(0);
    await it.world.wait(it.runner.stopAll());
  });

  test('fetches the secrets for each call and keeps none', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.run(2500);
    expect(it.asked).toHaveLength(it.world.fencing.contexts.length);
    it.secrets = () => Promise.resolve({ password: 'p2' });
    await it.world.run(1500);
    const given = it.world.fencing.contexts.map((context) => context.secrets['password']);
    expect([given[0], given.at(-1)]).toEqual(['p1', 'p2']);
    await it.world.wait(it.runner.stopAll());
  });

  test('goes on trying while the store does not give the secrets', async () => {
    const it = runnerBench();
    it.secrets = () => Promise.reject(new StoreUnavailable('no quorum'));
    it.runner.reconcile([request()]);
    await it.world.run(3000);
    expect(it.seen().errors.get('node-1/bmc')?.detail).toContain('no quorum');
    it.secrets = () => Promise.resolve({ password: 'p1' });
    await it.world.run(5000);
    expect(it.seen().readings.at(-1)?.power).toBe('on');
    await it.world.wait(it.runner.stopAll());
  });
});

describe('acting', () => {
  test('is asked for when a device reads On, and waits for the commit', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.until(() => it.seen().wantsToAct);
    await it.world.run(2000);
    expect(it.device.count('off')).toBe(0);
    it.runner.reconcile([request({ mayAct: true })]);
    await it.world.until(() => it.device.count('off') === 1, 1000);
    await it.world.run(30_000);
    expect(it.device.count('off')).toBe(1);
    expect(it.seen().attempts).toMatchObject([{ action: 'off', outcome: 'accepted', level: 1 }]);
    await it.world.wait(it.runner.stopAll());
  });

  test('B3: is not asked for when the device reads Off', async () => {
    const it = runnerBench();
    it.device.power = 'off';
    it.runner.reconcile([request({ mayAct: true })]);
    await it.world.run(30_000);
    expect(it.seen().wantsToAct).toBe(false);
    expect(it.device.count('off')).toBe(0);
    await it.world.wait(it.runner.stopAll());
  });

  test('is asked for anew after five seconds without an answer', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.until(() => it.seen().wantsToAct);
    const askedMs = it.world.clock.monotonicMs();
    await it.world.until(() => !it.seen().wantsToAct, 5100);
    expect(it.world.clock.monotonicMs() - askedMs).toBeCloseTo(5000, -1);
    await it.world.until(() => it.seen().wantsToAct, 5000);
    await it.world.wait(it.runner.stopAll());
  });

  test('is no longer wanted once the device reads Off by itself', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.until(() => it.seen().wantsToAct);
    it.device.power = 'off';
    await it.world.run(10_000);
    expect(it.seen().readings.at(-1)?.power).toBe('off');
    expect(it.seen().wantsToAct).toBe(false);
    await it.world.wait(it.runner.stopAll());
  });

  test('M2: is over for a manager whose quorum does not confirm it, though acting was committed', async () => {
    const it = runnerBench();
    it.isLeader = false;
    it.runner.reconcile([request({ mayAct: true })]);
    await it.world.run(30_000);
    expect(it.device.count('off')).toBe(0);
    it.isLeader = true;
    await it.world.until(() => it.device.count('off') === 1);
    await it.world.wait(it.runner.stopAll());
  });

  test('B12: is not allowed any more once the operation is stopped', async () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    await it.world.until(() => it.seen().wantsToAct);
    it.runner.reconcile([]);
    it.runner.reconcile([]);
    await it.world.run(30_000);
    expect(it.device.count('off')).toBe(0);
    expect(it.world.time.pending).toBe(0);
  });
});

describe('a topology that changes', () => {
  test('is what the operation goes on with: a device added while it is blocked is used', async () => {
    const it = runnerBench();
    it.runner.reconcile([request({ levels: [] })]);
    await it.world.run(5000);
    expect(it.device.calls).toEqual([]);
    it.runner.reconcile([request()]);
    await it.world.run(10);
    it.runner.reconcile([request()]);
    await it.world.run(2000);
    expect(it.seen().readings.at(-1)?.power).toBe('on');
    await it.world.wait(it.runner.stopAll());
  });

  test('is not worked on before the commands of the one before have ended', async () => {
    const it = runnerBench();
    it.device.latencyMs = (call) => (call === 'off' ? 12_000 : 40);
    it.runner.reconcile([request({ mayAct: true })]);
    await it.world.until(() => it.device.count('off') === 1);
    const levels = [{ number: 1, devices: [fakeDevice('node-1', { settleMs: 9000 })] }];
    const before = it.observed;
    it.runner.reconcile([request({ levels, mayAct: true })]);
    it.runner.reconcile([request({ levels, mayAct: true })]);
    const calls = it.device.calls.length;
    await it.world.run(5000);
    expect(it.device.calls).toHaveLength(calls);
    await it.world.until(() => it.observed > before);
    it.runner.reconcile([request({ levels, mayAct: true })]);
    await it.world.run(2000);
    expect(it.seen().readings.every(({ power }) => power === 'off')).toBe(true);
    await it.world.wait(it.runner.stopAll());
  });
});

describe('busy with a node', () => {
  test('is an execution until its last driver call has really ended', async () => {
    const it = runnerBench();
    it.device.latencyMs = (call) => (call === 'off' ? 12_000 : 40);
    it.runner.reconcile([request({ mayAct: true })]);
    expect(it.runner.busyWith(node)).toBe(true);
    await it.world.until(() => it.device.count('off') === 1);
    it.runner.reconcile([]);
    await it.world.run(5000);
    expect([it.device.inFlight, it.runner.busyWith(node)]).toEqual([1, true]);
    await it.world.run(10_000);
    expect([it.device.inFlight, it.runner.busyWith(node)]).toEqual([0, false]);
  });

  test('is not what runs against another node', () => {
    const it = runnerBench();
    it.runner.reconcile([request()]);
    expect(it.runner.busyWith(nodeId('node-2'))).toBe(false);
  });

  test('ends for all with stopAll, which waits for their calls', async () => {
    const it = runnerBench();
    it.device.latencyMs = () => 3000;
    it.runner.reconcile([request()]);
    await it.world.run(100);
    expect(it.device.inFlight).toBe(1);
    await it.world.wait(it.runner.stopAll());
    expect([it.device.inFlight, it.runner.busyWith(node)]).toEqual([0, false]);
    expect(it.world.time.pending).toBe(0);
  });
});

test('an operation that is wanted again while it ends keeps one observation of its own', async () => {
  const it = runnerBench();
  it.device.latencyMs = (call) => (call === 'off' ? 12_000 : 40);
  it.runner.reconcile([request({ mayAct: true })]);
  await it.world.until(() => it.device.count('off') === 1);
  it.runner.reconcile([]);
  it.runner.reconcile([request()]);
  await it.world.run(15_000);
  it.runner.reconcile([request()]);
  await it.world.run(2500);
  expect(it.seen().readings.length).toBeGreaterThan(1);
  expect(it.runner.busyWith(node)).toBe(true);
  await it.world.wait(it.runner.stopAll());
});
