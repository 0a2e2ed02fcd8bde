import { describe, expect, it } from 'vitest';
import type { FenceErrorCode } from './driver.ts';
import { FakeDevice, failTimes } from './testing/fake-device.ts';
import { fenceFakes as fence, pendingAnswer } from './testing/fence-trial.ts';

describe('an operation against one device', () => {
  it('B3: a device that reads Off is only read, and nobody is asked for permission', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.power = 'off';
    const { world, trial } = fence([[bmc]]);
    await world.advance(10_000);
    expect(bmc.count('off')).toBe(0);
    expect(trial.asks).toEqual([]);
    expect(trial.execution.wantsToAct()).toBe(false);
    await trial.execution.stop();
  });

  it('N1: Off readings bear the identity and span the settle time within 2.5 s', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.power = 'off';
    const { world, trial } = fence([[bmc]]);
    await world.advance(2500);
    const run = trial.offRun('bmc');
    expect(run.length).toBeGreaterThanOrEqual(3);
    expect((run.at(-1)?.atMs ?? 0) - (run[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(2000);
    expect(new Set(run.map(({ identity }) => identity))).toEqual(new Set(['guid-bmc']));
    await trial.execution.stop();
  });

  it('three readings fit a settle time that a drill found to be short', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.power = 'off';
    bmc.settleMs = 200;
    bmc.latencyMs = () => 5;
    const { world, trial } = fence([[bmc]]);
    await world.advance(250);
    const run = trial.offRun('bmc');
    expect(run.length).toBeGreaterThanOrEqual(3);
    expect((run.at(-1)?.atMs ?? 0) - (run[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(200);
    await trial.execution.stop();
  });

  it('reads first, asks once, reads the identity again, and sends off once', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]]);
    await world.advance(5000);
    expect(bmc.calls.slice(0, 5).map(({ call }) => call)).toEqual([
      'identity',
      'status',
      'identity',
      'off',
      'status',
    ]);
    expect(trial.asks).toHaveLength(1);
    expect(bmc.count('off')).toBe(1);
    expect(trial.attempts).toEqual([
      {
        level: 1,
        device: 'bmc',
        action: 'off',
        outcome: 'accepted',
        error: null,
        detail: 'done',
        at: '2030-01-01T00:00:00.120Z',
        durationMs: 40,
      },
    ]);
    expect(trial.powers('bmc').slice(0, 3)).toEqual(['on', 'off', 'off']);
    await trial.execution.stop();
  });

  it('sends nothing while permission is denied, and goes on reading and asking', async () => {
    const bmc = new FakeDevice('bmc');
    let allowed = false;
    const { world, trial } = fence([[bmc]], { mayAct: () => Promise.resolve(allowed) });
    await world.advance(100_000);
    expect(bmc.count('off')).toBe(0);
    expect(trial.execution.wantsToAct()).toBe(true);
    expect(bmc.count('status')).toBeGreaterThan(80);
    expect(trial.asks.length).toBeGreaterThan(30);
    expect(trial.asks.length).toBeLessThan(60);
    allowed = true;
    await world.advance(6000);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('goes on reading while permission is pending, and asks only once meanwhile', async () => {
    const bmc = new FakeDevice('bmc');
    const { pending, answer } = pendingAnswer();
    const { world, trial } = fence([[bmc]], { mayAct: () => pending });
    await world.advance(8000);
    expect(trial.asks).toHaveLength(1);
    expect(bmc.count('off')).toBe(0);
    expect(bmc.count('status')).toBeGreaterThanOrEqual(7);
    answer(true);
    await world.advance(100);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('sends nothing when the node went off while permission was pending', async () => {
    const bmc = new FakeDevice('bmc');
    const { pending, answer } = pendingAnswer();
    const { world, trial } = fence([[bmc]], { mayAct: () => pending });
    await world.advance(1000);
    bmc.power = 'off';
    await world.advance(3000);
    answer(true);
    await world.advance(5000);
    expect(bmc.count('off')).toBe(0);
    await trial.execution.stop();
  });

  it('B3: a device that read Off and then cannot be read is not told to go off', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.power = 'off';
    const { world, trial } = fence([[bmc]]);
    await world.advance(5000);
    bmc.failure = (call) => (call === 'status' ? 'BMC_BUSY' : null);
    await world.advance(100_000);
    expect(trial.asks).toEqual([]);
    expect(trial.powers('bmc').at(-1)).toBe('unknown');
    await trial.execution.stop();
  });

  it('counts a failing question as a denial', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]], {
      mayAct: () => Promise.reject(new Error('no quorum')),
    });
    await world.advance(3000);
    expect(bmc.count('off')).toBe(0);
    expect(world.lines.filter(({ level }) => level === 'error').length).toBeGreaterThan(0);
    await trial.execution.stop();
  });

  it('B5: off that takes 25 s is waited for and sent once', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc], [new FakeDevice('pdu')]]);
    bmc.effect = () => {
      world.env.timers.after(25_000, () => {
        bmc.power = 'off';
      });
    };
    await world.advance(28_500);
    expect(bmc.count('off')).toBe(1);
    expect(trial.offRun('bmc').length).toBeGreaterThanOrEqual(3);
    expect(trial.codes()).toEqual([]);
    await trial.execution.stop();
  });

  it('B11: an execution that resumes an operation sends no second off to a device that is off', async () => {
    const bmc = new FakeDevice('bmc');
    const first = fence([[bmc]]);
    await first.world.until(() => bmc.count('off') === 1, 5000);
    // The manager dies with the command under way; its successor starts over.
    void first.trial.execution.stop();
    await first.world.advance(100);
    const second = fence([[bmc]], { world: first.world });
    await second.world.advance(5000);
    expect(bmc.count('off')).toBe(1);
    expect(second.trial.offRun('bmc').length).toBeGreaterThanOrEqual(3);
    await second.trial.execution.stop();
  });

  it('B11: an execution that resumes against a device still on sends one more off, on record', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]]);
    await world.advance(5000);
    expect(trial.attempts).toHaveLength(1);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('never sends off again to a node that was off and comes back on', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]]);
    await world.until(() => trial.offRun('bmc').length >= 3, 10_000);
    bmc.power = 'on';
    await world.advance(120_000);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('reads the identity again when a minute has passed since', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.power = 'off';
    const { world, trial } = fence([[bmc]]);
    await world.advance(59_000);
    expect(bmc.count('identity')).toBe(1);
    await world.advance(60_000);
    expect(bmc.count('identity')).toBe(2);
    await trial.execution.stop();
  });

  it('one call at a time is under way, whatever happens', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.latencyMs = () => 3000;
    const { world, trial } = fence([[bmc]]);
    await world.advance(60_000);
    expect(bmc.mostInFlight).toBe(1);
    await trial.execution.stop();
  });
});

describe('identity', () => {
  it('B8: a device of another machine gets no command and gives no readings', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.identity = 'guid-of-another';
    const { world, trial } = fence([[bmc]]);
    await world.advance(120_000);
    expect(bmc.count('off')).toBe(0);
    expect(bmc.count('status')).toBe(0);
    expect(trial.codes()).toEqual(['IDENTITY_MISMATCH']);
    expect(trial.problems[0]?.detail).toContain('guid-of-another');
    expect(new Set(trial.powers('bmc'))).toEqual(new Set(['unknown']));
    await trial.execution.stop();
  });

  it('B8: a cable that is put right is noticed within the operation', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.identity = 'guid-of-another';
    const { world, trial } = fence([[bmc]]);
    await world.advance(60_000);
    expect(bmc.count('off')).toBe(0);
    bmc.identity = bmc.enrolled;
    await world.advance(15_000);
    expect(bmc.count('off')).toBe(1);
    expect(trial.offRun('bmc').length).toBeGreaterThanOrEqual(3);
    await trial.execution.stop();
  });

  it('B8: a mismatch that appears between permission and off stops the off', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]], {
      mayAct: () => {
        bmc.identity = 'guid-of-another';
        return Promise.resolve(true);
      },
    });
    await world.advance(60_000);
    expect(bmc.count('off')).toBe(0);
    expect(trial.codes()).toContain('IDENTITY_MISMATCH');
    expect(trial.execution.outstanding()).toBe(false);
    await trial.execution.stop();
  });

  it('B9: a BMC that gives no identity while it boots is asked again', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.identity = null;
    const { world, trial } = fence([[bmc]]);
    await world.advance(20_000);
    expect(bmc.count('off')).toBe(0);
    expect(trial.codes()).toEqual(['IDENTITY_MISMATCH']);
    bmc.identity = bmc.enrolled;
    await world.advance(12_000);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('a device enrolled without identity works as long as it has none', async () => {
    const bmc = new FakeDevice('bmc', null);
    const { world, trial } = fence([[bmc]]);
    await world.advance(5000);
    expect(bmc.count('off')).toBe(1);
    expect(trial.offRun('bmc').length).toBeGreaterThanOrEqual(3);
    await trial.execution.stop();
  });

  it('is read again after the device was out of reach', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.power = 'off';
    const { world, trial } = fence([[bmc]], { mayAct: () => Promise.resolve(false) });
    await world.advance(5000);
    failTimes(bmc, 'status', 'UNREACHABLE', 1);
    bmc.identity = 'guid-of-another';
    await world.advance(10_000);
    expect(trial.codes()).toEqual(['UNREACHABLE', 'IDENTITY_MISMATCH']);
    expect(trial.powers('bmc').at(-1)).toBe('unknown');
    await trial.execution.stop();
  });
});

describe('a command that did not simply work', () => {
  it('an ambiguous off is outstanding until the device answers, and is verified by readings', async () => {
    const bmc = new FakeDevice('bmc');
    failTimes(bmc, 'off', 'TIMEOUT', 1);
    const { world, trial } = fence([[bmc]]);
    await world.until(() => trial.attempts.length === 1, 5000);
    expect(trial.execution.outstanding()).toBe(true);
    bmc.power = 'off';
    await world.advance(100);
    expect(trial.execution.outstanding()).toBe(false);
    await world.advance(20_000);
    expect(bmc.count('off')).toBe(1);
    expect(trial.attempts[0]).toMatchObject({ outcome: 'unknown', error: 'TIMEOUT' });
    await trial.execution.stop();
  });

  it('an ambiguous off of a device that then falls silent is outstanding for 30 s', async () => {
    const bmc = new FakeDevice('bmc');
    const { world, trial } = fence([[bmc]]);
    bmc.failure = (call) => {
      if (call !== 'off') return null;
      bmc.failure = () => 'UNREACHABLE';
      return 'TIMEOUT';
    };
    await world.until(() => trial.attempts.length === 1, 5000);
    await world.advance(29_000);
    expect(trial.execution.outstanding()).toBe(true);
    await world.advance(1500);
    expect(trial.execution.outstanding()).toBe(false);
    await trial.execution.stop();
  });

  it('an ambiguous off is sent once more when the node is still on, and no more in its turn', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = (call) => (call === 'off' ? 'BMC_ERROR' : null);
    const { world, trial } = fence([[bmc]]);
    await world.advance(46_500);
    expect(bmc.count('off')).toBe(2);
    const [first, second] = bmc.calls.filter(({ call }) => call === 'off');
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(5000);
    expect(trial.attempts.map(({ detail }) => detail)).toEqual([
      'fake BMC_ERROR',
      'sent again, the node still read On: fake BMC_ERROR',
    ]);
    expect(trial.codes()).toContain('NOT_VERIFIED');
    await trial.execution.stop();
  });

  it('an ambiguous off is not sent again while the node cannot be read', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = (call) => {
      if (call !== 'off') return null;
      bmc.failure = (next) => (next === 'status' ? 'BMC_BUSY' : null);
      return 'TIMEOUT';
    };
    const { world, trial } = fence([[bmc]]);
    await world.advance(200_000);
    expect(bmc.count('identity')).toBeGreaterThan(5);
    expect(bmc.count('off')).toBe(1);
    await trial.execution.stop();
  });

  it('B9: an off that certainly did not leave is sent again until the device takes it', async () => {
    const bmc = new FakeDevice('bmc');
    failTimes(bmc, 'off', 'BMC_BUSY', 2);
    const { world, trial } = fence([[bmc]]);
    await world.advance(30_000);
    expect(trial.attempts.map(({ outcome }) => outcome)).toEqual([
      'rejected',
      'rejected',
      'accepted',
    ]);
    expect(trial.execution.outstanding()).toBe(false);
    await trial.execution.stop();
  });

  it('an off that was refused for good is tried again only after every level had its turn', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = (call) => (call === 'off' ? 'PRIVILEGE' : null);
    const pdu = new FakeDevice('pdu');
    pdu.effect = () => {};
    const { world, trial } = fence([[bmc], [pdu]]);
    await world.advance(44_000);
    expect(bmc.count('off')).toBe(1);
    bmc.failure = () => null;
    await world.advance(20_000);
    expect(bmc.count('off')).toBe(2);
    expect(bmc.power).toBe('off');
    await trial.execution.stop();
  });

  it('a BMC without a free session is left alone for 35 s', async () => {
    const bmc = new FakeDevice('bmc');
    failTimes(bmc, 'off', 'SESSION_LIMIT', 1);
    const { world, trial } = fence([[bmc]]);
    await world.advance(35_000);
    expect(bmc.count('off')).toBe(1);
    await world.advance(5000);
    expect(bmc.count('off')).toBe(2);
    await trial.execution.stop();
  });

  it('an ambiguous off whose repetition is refused is not sent a third time in its turn', async () => {
    const bmc = new FakeDevice('bmc');
    const codes: FenceErrorCode[] = ['TIMEOUT', 'BMC_BUSY'];
    bmc.failure = (call) => (call === 'off' ? (codes.shift() ?? null) : null);
    const { world, trial } = fence([[bmc]]);
    await world.advance(46_500);
    expect(trial.attempts.map(({ error }) => error)).toEqual(['TIMEOUT', 'BMC_BUSY']);
    await trial.execution.stop();
  });

  it('a refusal of the state is followed by a reading before anything else', async () => {
    const bmc = new FakeDevice('bmc');
    failTimes(bmc, 'off', 'STATE', 1);
    const { world, trial } = fence([[bmc]]);
    await world.until(() => trial.attempts.length === 1, 5000);
    bmc.power = 'off';
    await world.advance(30_000);
    expect(bmc.count('off')).toBe(1);
    expect(trial.offRun('bmc').length).toBeGreaterThan(3);
    await trial.execution.stop();
  });

  it('B10: a slow device is given more time to be read, and one that falls silent is not', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.latencyMs = (call) => (call === 'status' ? 20_000 : 40);
    bmc.effect = () => {};
    const { world, trial } = fence([[bmc]]);
    await world.until(() => trial.powers('bmc').includes('on'), 120_000);
    const given = bmc.calls.filter(({ call }) => call === 'status').map((call) => call.timeoutMs);
    expect(given).toEqual([6000, 12_000, 24_000]);
    bmc.latencyMs = () => 40;
    bmc.failure = () => 'UNREACHABLE';
    await world.advance(5000);
    expect(bmc.calls.at(-1)?.timeoutMs).toBe(6000);
    await trial.execution.stop();
  });

  it('a difficulty is told once until it changes', async () => {
    const bmc = new FakeDevice('bmc');
    bmc.failure = () => 'UNREACHABLE';
    const { world, trial } = fence([[bmc]]);
    await world.advance(10_000);
    expect(trial.codes()).toEqual(['UNREACHABLE']);
    bmc.failure = () => 'BMC_BUSY';
    await world.advance(10_000);
    expect(trial.codes()).toEqual(['UNREACHABLE', 'BMC_BUSY']);
    await trial.execution.stop();
  });
});
