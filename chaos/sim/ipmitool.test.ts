import { describe, expect, it } from 'vitest';
import { ipmiDriver } from '../../fencing/drivers/ipmi/driver.ts';
import type { FenceContext } from '../../fencing/driver.ts';
import { builtinDrivers } from '../../fencing/registry.ts';
import { type FenceTrial, startTrial } from '../../fencing/testing/fence-trial.ts';
import { VirtualEnv } from '../../fencing/testing/virtual-env.ts';
import { SimBmc, type SimBmcMode } from './bmc.ts';
import { simIpmitool } from './ipmitool.ts';

const guid = '11111111-2222-3333-4444-555555555555';
const password = 's3cret-in-the-sim';

/** A node with a BMC at 10.0.0.1, and the production driver in front of simulated ipmitools. */
class Lab {
  readonly world: VirtualEnv;
  readonly bmc: SimBmc;
  on = true;
  cut = false;

  constructor(suites?: readonly number[]) {
    this.world = new VirtualEnv((env) =>
      simIpmitool({
        env,
        reach: (host) => {
          if (host !== '10.0.0.1') return 'noSuchName';
          return this.cut ? 'unreachable' : this.bmc;
        },
      }),
    );
    this.bmc = new SimBmc({
      env: this.world.env,
      power: {
        isOn: () => this.on,
        powerOff: () => {
          this.on = false;
        },
        powerOn: () => {
          this.on = true;
        },
      },
      guid,
      user: 'kennel',
      password,
      ...(suites === undefined ? {} : { suites }),
    });
  }

  context(overrides: Partial<FenceContext> = {}): FenceContext {
    return {
      env: this.world.env,
      settings: { host: '10.0.0.1', port: 623, user: 'kennel', cipherSuite: 17 },
      secrets: { password },
      timeoutMs: 16_000,
      ...overrides,
    };
  }

  fence(mode: SimBmcMode): FenceTrial {
    this.bmc.mode = mode;
    const { settings } = this.context();
    return startTrial({
      env: this.world.env,
      drivers: builtinDrivers(),
      levels: [
        {
          devices: [
            { id: 'bmc', driver: 'ipmi', settings, identity: guid, settleMs: 2000, outlet: 'bmc' },
          ],
        },
      ],
      secretsOf: () => Promise.resolve({ password }),
    });
  }
}

describe('the production driver against a simulated BMC', () => {
  it('probes suite, identity and power', async () => {
    const lab = new Lab([3, 0]);
    const report = await lab.world.settle(ipmiDriver.probe(lab.context()));
    expect(report).toMatchObject({
      ok: true,
      identity: guid,
      power: 'on',
      learned: { cipherSuite: 3 },
    });
    expect(report.warnings.map(({ code }) => code)).toContain('CIPHER_0_OPEN');
  });

  it('switches off and on within 0.2 s each', async () => {
    const lab = new Lab();
    expect(await lab.world.settle(ipmiDriver.off(lab.context()))).toMatchObject({
      kind: 'accepted',
    });
    expect(lab.on).toBe(false);
    expect(lab.world.nowMs).toBeLessThan(200);
    await lab.world.settle(ipmiDriver.on(lab.context()));
    expect(lab.on).toBe(true);
    expect(lab.bmc.executed).toEqual({ off: 1, on: 1 });
  });

  it.each([
    ['wrong user', { settings: { host: '10.0.0.1', user: 'nobody' } }, 'AUTH_USER'],
    ['wrong password', { secrets: { password: 'wrong' } }, 'AUTH_PASSWORD'],
    ['a name that does not exist', { settings: { host: 'gone', user: 'kennel' } }, 'DNS'],
  ])('tells %s', async (_, overrides, code) => {
    const lab = new Lab();
    const result = await lab.world.settle(ipmiDriver.off(lab.context(overrides)));
    expect(result).toMatchObject({ kind: 'rejected', error: { code, mayHaveActed: false } });
    expect(lab.bmc.received.off).toBe(0);
  });

  it('gives up on an unreachable BMC after two waits, as ipmitool does', async () => {
    const lab = new Lab();
    lab.cut = true;
    const result = await lab.world.settle(ipmiDriver.status(lab.context({ timeoutMs: 6000 })));
    expect(result).toMatchObject({ kind: 'failed', error: { code: 'UNREACHABLE' } });
    expect(lab.world.nowMs).toBe(4000);
  });

  it('a slow BMC executes off once, because it is sent once', async () => {
    const lab = new Lab();
    lab.bmc.mode = { kind: 'slow', ms: 3000 };
    expect(await lab.world.settle(ipmiDriver.off(lab.context()))).toMatchObject({
      kind: 'accepted',
    });
    expect(lab.bmc.received.off).toBe(1);
    expect(lab.world.nowMs).toBeLessThan(3200);
  });

  it('B9: off lost in a dying BMC may have acted', async () => {
    const lab = new Lab();
    lab.bmc.mode = { kind: 'dieMidOperation' };
    expect(await lab.world.settle(ipmiDriver.off(lab.context()))).toMatchObject({
      kind: 'unknown',
      error: { code: 'TIMEOUT', mayHaveActed: true },
    });
    expect(lab.on).toBe(false);
    expect(lab.bmc.executed.off).toBe(1);
  });

  it('a killed ipmitool does not recall what it sent', async () => {
    const lab = new Lab();
    lab.bmc.mode = { kind: 'slow', ms: 4000 };
    const result = await lab.world.settle(ipmiDriver.off(lab.context({ timeoutMs: 1000 })));
    expect(result).toMatchObject({ kind: 'unknown', error: { code: 'TIMEOUT' } });
    expect(lab.world.nowMs).toBe(1000);
    expect(lab.on).toBe(true);
    await lab.world.advance(4000);
    expect(lab.on).toBe(false);
  });
});

describe('a simulated BMC', () => {
  it('B10: works on one request after the other', async () => {
    const lab = new Lab();
    lab.bmc.mode = { kind: 'slow', ms: 3000 };
    const answeredMs: number[] = [];
    for (let each = 0; each < 3; each += 1) {
      lab.bmc.request('status', () => answeredMs.push(lab.world.nowMs));
    }
    await lab.world.advance(10_000);
    expect(answeredMs).toEqual([3000, 6000, 9000]);
  });

  it.each([
    ['unreachable', 1],
    ['dead', 0],
  ] as const)(
    '%s after it was told: %i command executed, and no answer',
    async (kind, executed) => {
      const lab = new Lab();
      lab.bmc.mode = { kind: 'slow', ms: 3000 };
      let answers = 0;
      lab.bmc.request('off', () => (answers += 1));
      await lab.world.advance(1000);
      lab.bmc.mode = { kind };
      await lab.world.advance(5000);
      expect(lab.bmc.executed.off).toBe(executed);
      expect(answers).toBe(0);
    },
  );

  it('B6: reports On for ever when it is made to', async () => {
    const lab = new Lab();
    lab.on = false;
    lab.bmc.mode = { kind: 'lieOn' };
    expect(await lab.world.settle(ipmiDriver.status(lab.context()))).toMatchObject({ power: 'on' });
  });
});

describe('ipmitool that resends', () => {
  it('makes a slow BMC execute a command more than once', async () => {
    const lab = new Lab();
    lab.bmc.mode = { kind: 'slow', ms: 3000 };
    const result = await lab.world.settle(
      lab.world.env.processes.run({
        file: 'ipmitool',
        arguments:
          '-v -I lanplus -C 3 -L OPERATOR -N 1 -R 4 -H 10.0.0.1 -p 623 -U kennel -f /dev/stdin chassis power off'.split(
            ' ',
          ),
        input: `${password}\n`,
        environment: {},
        timeoutMs: 60_000,
        maxOutputBytes: 65_536,
      }),
    );
    expect(result).toMatchObject({ kind: 'exited', code: 0 });
    await lab.world.advance(20_000);
    expect(lab.bmc.executed.off).toBeGreaterThanOrEqual(2);
  });

  it('knows no other program and no other arguments', async () => {
    const lab = new Lab();
    const request = { input: '', environment: {}, timeoutMs: 1000, maxOutputBytes: 1000 };
    const { processes } = lab.world.env;
    expect(await processes.run({ ...request, file: 'reboot', arguments: [] })).toMatchObject({
      kind: 'notStarted',
    });
    const cycle = ['-v', 'chassis', 'power', 'cycle'];
    expect(await processes.run({ ...request, file: 'ipmitool', arguments: cycle })).toMatchObject({
      kind: 'exited',
      code: 1,
    });
  });
});

describe('a fence operation against a simulated BMC', () => {
  it.each([
    ['ok', { kind: 'ok' }, 5000, 1],
    ['B10: slow, 3 s', { kind: 'slow', ms: 3000 }, 40_000, 1],
    ['B10: slow, 20 s', { kind: 'slow', ms: 20_000 }, 260_000, 2],
    ['B5: delayed, 25 s', { kind: 'delayed', ms: 25_000 }, 30_000, 1],
  ] as const)(
    '%s: ends with Off readings over the settle time',
    async (_, mode, withinMs, offs) => {
      const lab = new Lab();
      const trial = lab.fence(mode);
      const done = await lab.world.until(() => trial.offRun('bmc').length >= 3, withinMs);
      expect(done).toBe(true);
      expect(lab.on).toBe(false);
      expect(trial.attempts.length).toBeLessThanOrEqual(offs);
      expect(lab.bmc.received.off).toBe(trial.attempts.length);
      await lab.world.settle(trial.execution.stop());
    },
  );

  it('B7: a BMC that lies about Off gets no command; whether it is believed is not decided here', async () => {
    const lab = new Lab();
    const trial = lab.fence({ kind: 'lieOff' });
    await lab.world.advance(10_000);
    expect(lab.bmc.received.off).toBe(0);
    expect(trial.offRun('bmc').length).toBeGreaterThan(3);
    expect(lab.on).toBe(true);
    await lab.world.settle(trial.execution.stop());
  });

  it.each([
    ['B4: stuck', { kind: 'stuck' }, 1, 'NOT_VERIFIED'],
    ['fail', { kind: 'fail' }, 1, 'BMC_ERROR'],
    ['unreachable', { kind: 'unreachable' }, 0, 'UNREACHABLE'],
    ['B2: wrong password', { kind: 'wrongPassword' }, 0, 'AUTH_PASSWORD'],
  ] as const)('%s: never reads Off, and repeats nothing blindly', async (_, mode, offs, code) => {
    const lab = new Lab();
    const trial = lab.fence(mode);
    // Up to here its level has the time to see what came of the first one.
    await lab.world.advance(46_000);
    expect(trial.offRun('bmc')).toEqual([]);
    expect(lab.bmc.received.off).toBe(offs);
    expect(trial.codes()).toContain(code);
    expect(lab.on).toBe(true);
    await lab.world.settle(trial.execution.stop());
  });

  it('B9: a BMC that dies with the command and comes back is read Off, without a second command', async () => {
    const lab = new Lab();
    const trial = lab.fence({ kind: 'dieMidOperation' });
    await lab.world.advance(90_000);
    expect(trial.offRun('bmc')).toEqual([]);
    lab.bmc.mode = { kind: 'ok' };
    await lab.world.until(() => trial.offRun('bmc').length >= 3, 30_000);
    expect(trial.offRun('bmc').length).toBeGreaterThanOrEqual(3);
    expect(lab.bmc.received.off).toBe(1);
    await lab.world.settle(trial.execution.stop());
  });
});
