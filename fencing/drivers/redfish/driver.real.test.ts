import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { realEnv } from '../../../src/env/real/real-env.ts';
import type { FenceContext, ProbeReport } from '../../driver.ts';
import { uniquePassword } from '../../testing/bmc-rig.ts';
import { type RedfishMode, RedfishEmulator } from '../../testing/redfish-emulator.ts';
import { waitUntil } from '../../testing/wait-until.ts';
import { redfishDriver } from './driver.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const env = realEnv({ log: quiet });
const emulators: RedfishEmulator[] = [];
afterAll(() => Promise.all(emulators.map((emulator) => emulator.stop())));

async function bmc(mode: RedfishMode = 'ok'): Promise<RedfishEmulator> {
  const emulator = await RedfishEmulator.start();
  emulators.push(emulator);
  emulator.mode = mode;
  return emulator;
}

function context(emulator: RedfishEmulator, overrides: Partial<FenceContext> = {}): FenceContext {
  return {
    env,
    settings: emulator.settings,
    secrets: { password: emulator.user.password },
    timeoutMs: 8000,
    ...overrides,
  };
}

/** A context as the device has it once enrolled; the mode is taken up afterwards. */
async function enrolled(
  mode: RedfishMode = 'ok',
  more: FenceContext['settings'] = {},
): Promise<{ readonly emulator: RedfishEmulator; readonly use: FenceContext }> {
  const emulator = await bmc();
  const settings = { ...emulator.settings, ...more };
  const report = await redfishDriver.probe(context(emulator, { settings }));
  expect(report.error).toBeNull();
  emulator.mode = mode;
  emulator.requests.length = 0;
  return { emulator, use: context(emulator, { settings: { ...settings, ...report.learned } }) };
}

function codes(report: ProbeReport): readonly string[] {
  return report.warnings.map(({ code }) => code);
}

describe.concurrent('enrolment', () => {
  it('learns certificate, path and UUID, and says that the certificate was believed unseen', async () => {
    const emulator = await bmc();
    const report = await redfishDriver.probe(context(emulator));
    expect(report).toMatchObject({
      ok: true,
      identity: emulator.uuid,
      power: 'on',
      learned: {
        system: emulator.systemPath,
        uuid: emulator.uuid,
        certificate: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect(codes(report)).toEqual(['CERTIFICATE_UNCHECKED']);
    const settings = { ...emulator.settings, ...report.learned };
    expect(redfishDriver.parseSettings(settings)).toMatchObject({ kind: 'ok' });
    expect(codes(await redfishDriver.probe(context(emulator, { settings })))).toEqual([]);
  });

  it('asks which machine is meant where a service manages several, and takes its UUID or name', async () => {
    const emulator = await bmc();
    emulator.neighbours = [randomUUID()];
    expect(await redfishDriver.probe(context(emulator))).toMatchObject({
      ok: false,
      error: { code: 'CONFIG', detail: expect.stringContaining('(1, 2)') },
    });
    for (const settings of [{ system: 2 }, { uuid: emulator.uuid }]) {
      const report = await redfishDriver.probe(
        context(emulator, { settings: { ...emulator.settings, ...settings } }),
      );
      expect(report).toMatchObject({ ok: true, identity: emulator.uuid });
    }
  });

  it('B2: a wrong password is found', async () => {
    const emulator = await bmc();
    const report = await redfishDriver.probe(
      context(emulator, { secrets: { password: uniquePassword() } }),
    );
    expect(report).toMatchObject({ ok: false, error: { code: 'AUTH_PASSWORD' } });
  });

  it('a machine that cannot be forced off is refused, wherever it says so', async () => {
    const emulator = await bmc();
    emulator.allowed = ['On', 'GracefulShutdown'];
    for (const usesActionInfo of [false, true]) {
      emulator.usesActionInfo = usesActionInfo;
      expect(await redfishDriver.probe(context(emulator))).toMatchObject({
        error: { code: 'CONFIG', detail: expect.stringContaining('GracefulShutdown') },
      });
    }
  });
});

describe.concurrent('credentials', () => {
  it('are sent to nobody with another certificate than the enrolled one', async () => {
    const { use } = await enrolled();
    const stranger = await bmc();
    const settings = { ...use.settings, host: stranger.address };
    const answers = [
      await redfishDriver.status({ ...use, settings }),
      await redfishDriver.off({ ...use, settings }),
      await redfishDriver.probe({ ...use, settings }),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ error: { code: 'TLS_PIN' } });
    expect(stranger.credentialsSeen).toBe(0);
  });

  it('are sent nowhere before a certificate was enrolled', async () => {
    const emulator = await bmc();
    expect(await redfishDriver.off(context(emulator))).toMatchObject({
      kind: 'rejected',
      error: { code: 'CONFIG' },
    });
    expect(emulator.requests).toEqual([]);
  });

  it('do not follow a redirect', async () => {
    const { emulator, use } = await enrolled('redirect');
    expect(await redfishDriver.off(use)).toMatchObject({
      kind: 'rejected',
      error: { code: 'HTTP', mayHaveActed: false },
    });
    expect(emulator.requests).toEqual([`GET ${emulator.systemPath}`]);
  });

  it('that a service echoes are in no result', async () => {
    const { emulator, use } = await enrolled('echo');
    const { name, password } = emulator.user;
    const wrong = { ...use, secrets: { password: uniquePassword() } };
    for (const each of [use, wrong]) {
      const text = JSON.stringify([
        await redfishDriver.status(each),
        await redfishDriver.off(each),
      ]);
      const own = each.secrets['password'] ?? '';
      expect(text).not.toContain(own);
      expect(text).not.toContain(Buffer.from(`${name}:${own}`).toString('base64'));
      expect(text).toContain('***');
    }
    expect(password).not.toBe('');
  });
});

describe.concurrent('off', () => {
  it('is one POST to the address that the system gives, and is read back', async () => {
    const { emulator, use } = await enrolled();
    expect(await redfishDriver.off(use)).toMatchObject({ kind: 'accepted' });
    expect(emulator.commands()).toEqual(['off']);
    expect(await redfishDriver.status(use)).toMatchObject({ power: 'off' });
    expect(await redfishDriver.on(use)).toMatchObject({ kind: 'accepted' });
    expect(await redfishDriver.status(use)).toMatchObject({ power: 'on' });
  });

  it('B8: is not sent to another machine, whose power is not read as this one’s either', async () => {
    const { emulator, use } = await enrolled();
    emulator.shownUuid = randomUUID();
    expect(await redfishDriver.identity(use)).toMatchObject({ identity: emulator.shownUuid });
    expect(await redfishDriver.off(use)).toMatchObject({
      kind: 'rejected',
      error: { code: 'IDENTITY_MISMATCH', mayHaveActed: false },
    });
    expect(await redfishDriver.status(use)).toMatchObject({ error: { code: 'IDENTITY_MISMATCH' } });
    expect(emulator.commands()).toEqual([]);
  });

  it('B8: finds the machine by its UUID when its path has moved', async () => {
    const { emulator, use } = await enrolled();
    emulator.neighbours = [randomUUID(), randomUUID()];
    expect(await redfishDriver.off(use)).toMatchObject({ kind: 'accepted' });
    expect(emulator.power).toBe('off');
  });

  it('B5: PoweringOff is not Off', async () => {
    const { emulator, use } = await enrolled('delayed 1');
    expect(await redfishDriver.off(use)).toMatchObject({ kind: 'accepted' });
    expect(await redfishDriver.status(use)).toMatchObject({ power: 'transition' });
    await waitUntil(() => emulator.power === 'off', 5000, 'the transition to end');
    expect(await redfishDriver.status(use)).toMatchObject({ power: 'off' });
  });

  it('B3: a service that refuses what is already so is asked what is so', async () => {
    const { emulator, use } = await enrolled('strict');
    emulator.power = 'off';
    expect(await redfishDriver.off(use)).toMatchObject({ kind: 'accepted' });
    expect(emulator.commands()).toEqual([]);
  });

  it.each([
    ['busy', 'BMC_BUSY', 'rejected', 0],
    ['in use', 'BMC_BUSY', 'rejected', 0],
    ['no session', 'SESSION_LIMIT', 'rejected', 0],
    ['bare 503', 'HTTP', 'unknown', 0],
    ['error 500', 'HTTP', 'unknown', 1],
    ['dies', 'TIMEOUT', 'unknown', 1],
    ['endless', 'PROTOCOL', 'rejected', 0],
  ] as const)('%s: %s, %s', async (mode, code, kind, executed) => {
    const { emulator, use } = await enrolled(mode);
    expect(await redfishDriver.off(use)).toMatchObject({
      kind,
      error: { code, mayHaveActed: kind === 'unknown' },
    });
    expect(emulator.commands()).toHaveLength(executed);
  });

  it('B10: a command without an answer ends at its deadline, unknown', async () => {
    const { emulator, use } = await enrolled('slow 30');
    const startedMs = performance.now();
    expect(await redfishDriver.off({ ...use, timeoutMs: 1500 })).toMatchObject({
      kind: 'unknown',
      error: { code: 'TIMEOUT', mayHaveActed: true },
    });
    expect(performance.now() - startedMs).toBeLessThan(3500);
    expect(emulator.commands()).toEqual(['off']);
  });

  it('B1: nobody there, and a name that does not resolve', async () => {
    const { emulator, use } = await enrolled();
    await emulator.stop();
    expect(await redfishDriver.off(use)).toMatchObject({
      kind: 'rejected',
      error: { code: 'UNREACHABLE', mayHaveActed: false },
    });
    const settings = { ...use.settings, host: 'no-such-bmc.invalid' };
    expect(await redfishDriver.off({ ...use, settings })).toMatchObject({
      kind: 'rejected',
      error: { code: 'DNS' },
    });
  });
});

describe.concurrent('sessions', () => {
  it('are opened only where the settings ask, and always closed', async () => {
    const { emulator, use } = await enrolled('ok', { auth: 'session' });
    expect(await redfishDriver.off(use)).toMatchObject({ kind: 'accepted' });
    emulator.mode = 'error 500';
    await redfishDriver.off(use);
    emulator.mode = 'slow 30';
    const late = await redfishDriver.off({ ...use, timeoutMs: 2500 });
    expect(late).toMatchObject({ kind: 'unknown' });
    expect(emulator.sessions.size).toBe(0);
    expect(emulator.requests.filter((line) => line.startsWith('DELETE'))).toHaveLength(3);
  });

  it('that are all taken are told apart, and nothing is executed', async () => {
    const { emulator, use } = await enrolled('ok', { auth: 'session' });
    for (const id of ['a', 'b', 'c', 'd']) emulator.sessions.set(id, id);
    expect(await redfishDriver.off(use)).toMatchObject({
      kind: 'rejected',
      error: { code: 'SESSION_LIMIT', mayHaveActed: false },
    });
    expect(emulator.sessions.size).toBe(4);
  });
});

describe('settings', () => {
  it.each([
    [{ host: '-x', user: 'kennel' }, 'host'],
    [{ host: 'bmc', user: 'a:b' }, 'user'],
    [{ host: 'bmc', user: 'kennel', auth: 'digest' }, 'auth'],
    [{ host: 'bmc', user: 'kennel', certificate: 'abc' }, 'certificate'],
    [{ host: 'bmc', user: 'kennel', uuid: '1' }, 'uuid'],
    [{ host: 'bmc', user: 'kennel', colour: 'red' }, 'colour'],
  ])('%j: the problem names %s', (input, field) => {
    const parsed = redfishDriver.parseSettings(input);
    expect(parsed).toMatchObject({ problems: [expect.stringContaining(field)] });
  });
});
