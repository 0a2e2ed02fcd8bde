import { describe, expect, it } from 'vitest';
import { DeviceQueues } from './device-queue.ts';
import { Pause } from './pause.ts';
import { FakeDevice } from './testing/fake-device.ts';
import { fenceFakes as fence, pendingAnswer } from './testing/fence-trial.ts';
import { VirtualEnv } from './testing/virtual-env.ts';

describe('levels', () => {
  it('B4: off accepted without effect brings the next level after 45 s, and readings go on', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.effect = () => {};
    const pdu = new FakeDevice('pdu');
    const { world, trial } = fence([[bmc], [pdu]]);
    await world.advance(44_000);
    expect(pdu.calls).toEqual([]);
    await world.advance(4000);
    expect(trial.problems).toEqual([
      expect.objectContaining({ device: 'bmc', code: 'NOT_VERIFIED' }),
    ]);
    expect(pdu.count('off')).toBe(1);
    expect(bmc.count('off')).toBe(1);
    expect(trial.attempts.map(({ level }) => level)).toEqual([1, 2]);
    const before = bmc.count('status');
    await world.advance(10_000);
    expect(bmc.count('status')).toBeGreaterThan(before);
    await trial.execution.stop();
  });

  it('B4: a BMC that is mended after every level had its turn is told again, on record', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.effect = () => {};
    const pdu = new FakeDevice('pdu');
    pdu.effect = () => {};
    const { world, trial } = fence([[bmc], [pdu]]);
    await world.advance(89_000);
    expect(bmc.count('off')).toBe(1);
    bmc.effect = (command) => {
      bmc.power = command;
    };
    await world.advance(15_000);
    expect(trial.attempts.map(({ device, level }) => [device, level]).slice(0, 3)).toEqual([
      ['bmc', 1],
      ['pdu', 2],
      ['bmc', 1],
    ]);
    expect(trial.attempts[2]?.detail).toBe('sent again, the node still read On: done');
    expect(trial.offRun('bmc').length).toBeGreaterThanOrEqual(3);
    await world.advance(600_000);
    expect(bmc.count('off')).toBe(2);
    await trial.execution.stop();
  });

  it('B4: an off that stays without effect is repeated ever more rarely', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.effect = () => {};
    const { world, trial } = fence([[bmc]]);
    await world.advance(3_600_000);
    const times = bmc.calls.filter(({ call }) => call === 'off').map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(times.length).toBeLessThanOrEqual(16);
    expect(gaps[0]).toBeGreaterThanOrEqual(44_000);
    expect(gaps[1]).toBeGreaterThanOrEqual(60_000);
    expect(Math.min(...gaps.slice(4))).toBeGreaterThanOrEqual(300_000);
    await trial.execution.stop();
  });

  it('B4: nothing is sent again to a node that went off and was started since', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.effect = () => {};
    const { world, trial } = fence([[bmc]]);
    await world.advance(30_000);
    bmc.power = 'off';
    await world.advance(3000);
    bmc.power = 'on';
    await world.advance(900_000);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('a level has the budget that it was given, and is only read for its delay', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.effect = () => {};
    const pdu = new FakeDevice('pdu');
    const levels = [
      { devices: [bmc.record], budgetMs: 10_000 },
      { devices: [pdu.record], delayMs: 5000 },
    ];
    const { world, trial } = fence([[bmc], [pdu]], { levels });
    await world.advance(9000);
    expect(pdu.calls).toEqual([]);
    await world.advance(4000);
    expect(trial.entered).toEqual([1, 2]);
    expect(pdu.count('status')).toBeGreaterThan(0);
    expect(pdu.count('off')).toBe(0);
    await world.advance(4000);
    expect(pdu.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('B11: an operation that is resumed goes on with its level, and reads those before it', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.effect = () => {};
    const pdu = new FakeDevice('pdu');
    const { world, trial } = fence([[bmc], [pdu]], { fromLevel: 2, told: ['bmc'] });
    await world.advance(3000);
    expect(trial.entered).toEqual([2]);
    expect(pdu.count('off')).toBe(1);
    expect(bmc.count('off')).toBe(0);
    expect(bmc.count('status')).toBeGreaterThan(0);
    await trial.execution.stop();
  });

  it('B11: a device that may have been told is told again only after it read On for a while', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]], { told: ['bmc'] });
    await world.advance(4000);
    expect(bmc.count('off')).toBe(0);
    await world.advance(4000);
    expect(bmc.count('off')).toBe(1);
    expect(trial.attempts[0]?.detail).toBe('sent again, the node still read On: done');
    await trial.execution.stop();
  });

  it('B11: a device that was told and is off already is told nothing', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.power = 'off';
    const { world, trial } = fence([[bmc]], { told: ['bmc'] });
    await world.advance(60_000);
    expect(bmc.count('off')).toBe(0);
    expect(trial.execution.outstanding()).toBe(false);
    await trial.execution.stop();
  });

  it('asks for the devices of a level by name, and tells no other', async () => {
    const [a, b] = [new FakeDevice('pdu-a'), new FakeDevice('pdu-b')];
    b.power = 'off';
    const asked: (readonly string[])[] = [];
    const mayAct = (devices: readonly string[]): Promise<boolean> => {
      asked.push(devices);
      return Promise.resolve(true);
    };
    const { world, trial } = fence([[a, b]], { mayAct });
    await world.advance(3000);
    expect(asked).toEqual([['pdu-a']]);
    expect([a.count('off'), b.count('off')]).toEqual([1, 0]);
    await trial.execution.stop();
  });

  it('a credential that is refused brings the next level at once', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = () => 'AUTH_PASSWORD';
    const pdu = new FakeDevice('pdu');
    const { world, trial } = fence([[bmc], [pdu]]);
    await world.advance(2000);
    expect(pdu.count('off')).toBe(1);
    expect(trial.codes()).toEqual(['AUTH_PASSWORD']);
    await trial.execution.stop();
  });

  it('time without permission does not use up the budget of a level', async () => {
    const bmc = new FakeDevice('bmc');
    const pdu = new FakeDevice('pdu');
    let allowed = false;
    const { world, trial } = fence([[bmc], [pdu]], { mayAct: () => Promise.resolve(allowed) });
    await world.advance(200_000);
    expect(pdu.calls).toEqual([]);
    bmc.effect = () => {};
    allowed = true;
    await world.advance(40_000);
    expect(bmc.count('off')).toBe(1);
    expect(pdu.calls).toEqual([]);
    await world.advance(12_000);
    expect(pdu.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('refusals repeated until the budget ends do not prolong it', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = (call) => (call === 'off' ? 'BMC_BUSY' : null);
    const pdu = new FakeDevice('pdu');
    const { world, trial } = fence([[bmc], [pdu]]);
    await world.advance(50_000);
    expect(pdu.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('B16: every device of a level is sent off, and none before all were read', async () => {
    const left = new FakeDevice('left');
    const right = new FakeDevice('right');
    right.latencyMs = (call) => (call === 'status' ? 3000 : 40);
    const { world, trial } = fence([[left, right]]);
    await world.advance(2500);
    expect(left.count('off')).toBe(0);
    await world.advance(3000);
    expect(left.count('off')).toBe(1);
    expect(right.count('off')).toBe(1);
    expect(trial.asks).toHaveLength(1);
    await trial.execution.stop();
  });

  it('B16: off is not sent to the device of a level that is off already', async () => {
    const left = new FakeDevice('left');
    left.power = 'off';
    const right = new FakeDevice('right');
    const { world, trial } = fence([[left, right]]);
    await world.advance(5000);
    expect(left.count('off')).toBe(0);
    expect(right.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('a device that is back after every level had its turn is still told to go off', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = () => 'UNREACHABLE';
    const { world, trial } = fence([[bmc]]);
    await world.advance(300_000);
    const calls = bmc.calls.length;
    await world.advance(60_000);
    expect(bmc.calls.length - calls).toBeLessThanOrEqual(7);
    bmc.failure = () => null;
    await world.advance(13_000);
    expect(bmc.count('off')).toBe(1);
    expect(trial.offRun('bmc').length).toBeGreaterThan(0);
    await trial.execution.stop();
  });

  it('so is a device of an earlier level, in the name of its own level', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = () => 'UNREACHABLE';
    const pdu = new FakeDevice('pdu');
    pdu.effect = () => {};
    const { world, trial } = fence([[bmc], [pdu]]);
    await world.advance(300_000);
    bmc.failure = () => null;
    await world.advance(13_000);
    expect(trial.attempts.find(({ device }) => device === 'bmc')?.level).toBe(1);
    await trial.execution.stop();
  });

  it('a device in two levels is told once', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.effect = () => {};
    const pdu = new FakeDevice('pdu');
    const { world, trial } = fence([[bmc], [bmc, pdu]]);
    await world.advance(60_000);
    expect(bmc.count('off')).toBe(1);
    expect(pdu.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('a level without devices is passed over', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[], [bmc], []]);
    await world.advance(1000);
    expect(trial.attempts.map(({ level }) => level)).toEqual([2]);
    await trial.execution.stop();
  });

  it('a topology without levels does nothing and stops', async () => {
    const { world, trial } = fence([]);
    await world.advance(1000);
    expect(trial.execution.outstanding()).toBe(false);
    await trial.execution.stop();
  });
});

describe('stopping', () => {
  it('aborts a reading at once', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.latencyMs = () => 5000;
    const { world, trial } = fence([[bmc]]);
    await world.advance(100);
    const before = world.nowMs;
    await world.settle(trial.execution.stop());
    expect(world.nowMs).toBe(before);
    expect(bmc.inFlight).toBe(0);
  });

  it('waits for an off that has begun, and sends nothing after', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.latencyMs = (call) => (call === 'off' ? 4000 : 40);
    const { world, trial } = fence([[bmc]]);
    await world.until(() => bmc.count('off') === 1, 5000);
    expect(trial.execution.outstanding()).toBe(true);
    await world.settle(trial.execution.stop());
    expect(trial.execution.outstanding()).toBe(false);
    expect(trial.attempts).toHaveLength(1);
    const calls = bmc.calls.length;
    await world.advance(60_000);
    expect(bmc.calls).toHaveLength(calls);
  });

  it('sends nothing when its turn comes after the stop', async () => {
    const bmc = new FakeDevice('bmc');
    const world = new VirtualEnv();
    const queues = new DeviceQueues(world.env);
    const { trial } = fence([[bmc]], {
      world,
      queues,
      mayAct: () => {
        // Somebody else's reading comes first.
        void queues.read({ address: 'fake bmc' }, () => new Pause(world.env.timers).wait(8000));
        return Promise.resolve(true);
      },
    });
    await world.advance(1000);
    expect(trial.asks).toHaveLength(1);
    await world.settle(trial.execution.stop());
    await world.advance(10_000);
    expect(bmc.calls.map(({ call }) => call)).toEqual(['identity', 'status']);
  });

  it('a permission that could not be used for 10 s is asked for anew', async () => {
    const bmc = new FakeDevice('bmc');
    const world = new VirtualEnv();
    const queues = new DeviceQueues(world.env);
    const { pending, answer } = pendingAnswer();
    const answers = [pending];
    const mayAct = (): Promise<boolean> => answers.shift() ?? Promise.resolve(true);
    const { trial } = fence([[bmc]], { world, queues, mayAct });
    await world.advance(500);
    void queues.read({ address: 'fake bmc' }, () => new Pause(world.env.timers).wait(15_000));
    await world.advance(1000);
    answer(true);
    await world.advance(14_500);
    expect(trial.asks).toHaveLength(2);
    await world.advance(1000);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('sends nothing when permission comes after the stop', async () => {
    const bmc = new FakeDevice('bmc');
    const { pending, answer } = pendingAnswer();
    const { world, trial } = fence([[bmc]], { mayAct: () => pending });
    await world.advance(1000);
    await world.settle(trial.execution.stop());
    answer(true);
    await world.advance(5000);
    expect(bmc.count('off')).toBe(0);
  });
});

describe('what surrounds a device', () => {
  it('a kind without driver is a configuration error that names the kinds there are', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]], {
      levels: [{ devices: [{ ...bmc.record, driver: 'x' }] }],
    });
    await world.advance(3000);
    expect(trial.problems[0]).toMatchObject({ code: 'CONFIG' });
    expect(trial.problems[0]?.detail).toContain('fake');
    await trial.execution.stop();
  });

  it('a store that cannot give the secret, or hangs, does not end the operation', async () => {
    const bmc = new FakeDevice('bmc');
    const hang = new Promise<never>(() => {});
    const answers = [Promise.reject(new Error('no quorum')), hang];
    for (const answer of answers) answer.catch(() => {});
    const { world, trial } = fence([[bmc]], {
      secretsOf: () => answers.shift() ?? Promise.resolve({}),
    });
    await world.advance(30_000);
    expect(trial.codes()).toEqual(['CONFIG']);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('a driver that throws is an unknown outcome, and its message is kept to itself', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.latencyMs = () => {
      throw new Error('password is hunter2');
    };
    const { world, trial } = fence([[bmc]]);
    await world.advance(3000);
    expect(trial.codes()).toEqual(['UNKNOWN']);
    expect(JSON.stringify([trial.problems, world.lines])).not.toContain('hunter2');
    await trial.execution.stop();
  });
});
