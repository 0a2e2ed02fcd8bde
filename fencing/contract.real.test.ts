import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Env } from '../src/env/env.ts';
import { ipmiDriver } from './drivers/ipmi/driver.ts';
import { powerOn } from './power-on.ts';
import { builtinDrivers } from './registry.ts';
import { type BmcRig, loopbackAddress, uniquePassword } from './testing/bmc-rig.ts';
import { ContractBench, clientsOf, settled } from './testing/contract-bench.ts';
import type { FenceTrial } from './testing/fence-trial.ts';
import { identityOf, ipmiSimMissing, startIpmiSim } from './testing/ipmi-sim-rig.ts';
import { pyghmiMissing, startPyghmi } from './testing/pyghmi-rig.ts';
import { exhaustSessions } from './testing/rmcp-packets.ts';
import { SecretWatch } from './testing/secret-watch.ts';
import { waitUntil } from './testing/wait-until.ts';

// Most cases wait for a BMC that is slow or dead: all of them wait together.
vi.setConfig({ maxConcurrency: 100, testTimeout: 120_000 });

const bench = new ContractBench();
const { env } = bench;
afterAll(() => bench.stop());

const simGuid = 'kennel-contract';
const simIdentity = identityOf(simGuid);
const pyghmiIdentity = randomUUID();
const sim = (): Promise<BmcRig> => bench.rig(() => startIpmiSim(simGuid));
const pyghmi = (): Promise<BmcRig> =>
  bench.rig(() => startPyghmi(pyghmiIdentity.replaceAll('-', '')));

/** A device setting and secret for an address where no BMC is. */
function nobodyAt(host: string) {
  const settings = { host, port: 6230, user: 'kennel', cipherSuite: 3 };
  return { env, settings, secrets: bench.wrongPassword(), timeoutMs: 16_000 };
}

function reason(missing: string | null): string {
  return missing === null ? '' : `(${missing})`;
}

interface Kind {
  readonly name: string;
  readonly missing: string | null;
  readonly start: () => Promise<BmcRig>;
  readonly identity: string;
}

const kinds: readonly Kind[] = [
  { name: 'ipmi_sim', missing: ipmiSimMissing, start: sim, identity: simIdentity },
  { name: 'pyghmi', missing: pyghmiMissing, start: pyghmi, identity: pyghmiIdentity },
];

describe.concurrent('the ipmi driver', () => {
  describe.for(kinds)('and $name', ({ missing, start, identity }) => {
    describe.skipIf(missing !== null)(`in every mode ${reason(missing)}`, () => {
      // First, because it takes longest.
      it('B4: operation, stuck: one off, then the next level ends it', async () => {
        const [rig, second] = await Promise.all([start(), start()]);
        rig.mode = 'stuck';
        const trial = await bench.fence(
          [[{ rig, identity }], [{ rig: second, identity, id: 'pdu' }]],
          (each) => each.offRun('pdu').length >= 3,
          75_000,
        );
        expect(rig.commands()).toEqual(['off']);
        expect(second.commands()).toEqual(['off']);
        expect(trial.codes()).toEqual(['NOT_VERIFIED']);
        expect(trial.offRun('bmc')).toEqual([]);
      });

      it('ok: off is executed once, on is executed once, both are read back', async () => {
        const rig = await start();
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({ kind: 'accepted' });
        expect(rig.power).toBe('off');
        expect(await ipmiDriver.status(bench.context(rig))).toMatchObject({ power: 'off' });
        expect(await ipmiDriver.on(bench.context(rig))).toMatchObject({ kind: 'accepted' });
        expect(await ipmiDriver.status(bench.context(rig))).toMatchObject({ power: 'on' });
        expect(rig.commands()).toEqual(['off', 'on']);
      });

      it('the identity is the GUID in the order of the wire', async () => {
        const rig = await start();
        expect(await ipmiDriver.identity(bench.context(rig))).toEqual({
          kind: 'identity',
          identity,
        });
      });

      it('B3: an off that is already done is accepted', async () => {
        const rig = await start();
        rig.power = 'off';
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({ kind: 'accepted' });
      });

      it('wrong password: rejected, and nothing is executed', async () => {
        const rig = await start();
        const context = bench.context(rig, { secrets: bench.wrongPassword() });
        expect(await bench.off(context, rig)).toMatchObject({
          kind: 'rejected',
          error: { code: 'AUTH_PASSWORD', mayHaveActed: false },
        });
        expect(rig.commands()).toEqual([]);
      });

      it('suite 17, which it does not offer: rejected, and nothing is executed', async () => {
        const rig = await start();
        const settings = { ...rig.settings, cipherSuite: 17 };
        expect(await bench.off(bench.context(rig, { settings }), rig)).toMatchObject({
          kind: 'rejected',
          error: { code: 'CIPHER', mayHaveActed: false },
        });
        expect(rig.commands()).toEqual([]);
      });

      it('slow 1 s: off is executed once', async () => {
        const rig = await start();
        rig.mode = 'slow 1';
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({ kind: 'accepted' });
        expect(rig.commands()).toEqual(['off']);
      });

      it('slow 3 s: off is executed once, where resending would execute it again', async () => {
        const rig = await start();
        rig.mode = 'slow 3';
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({ kind: 'accepted' });
        expect(rig.commands()).toEqual(['off']);
      });

      it('slow 8 s: off ends as unknown, may have acted, and was executed once', async () => {
        const rig = await start();
        rig.mode = 'slow 8';
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({
          kind: 'unknown',
          error: { code: 'TIMEOUT', mayHaveActed: true, retry: 'byStatusOnly' },
        });
        await waitUntil(() => rig.power === 'off', 15_000, 'the slow BMC');
        expect(rig.commands()).toEqual(['off']);
      });

      it('stuck: off is accepted and proves nothing, the node still reads On', async () => {
        const rig = await start();
        rig.mode = 'stuck';
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({ kind: 'accepted' });
        expect(await ipmiDriver.status(bench.context(rig))).toMatchObject({ power: 'on' });
      });

      it('lie: off is accepted and Off is read, while the node runs', async () => {
        const rig = await start();
        rig.mode = 'lie';
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({ kind: 'accepted' });
        expect(await ipmiDriver.status(bench.context(rig))).toMatchObject({ power: 'off' });
        expect(rig.power).toBe('on');
      });

      it('fail: a completion code of "unspecified" may have acted', async () => {
        const rig = await start();
        rig.mode = 'fail';
        expect(await bench.off(bench.context(rig), rig)).toMatchObject({
          kind: 'unknown',
          error: { code: 'BMC_ERROR', mayHaveActed: true },
        });
      });

      it('B9: frozen during the command: killed at the deadline, unknown', async () => {
        const rig = await start();
        rig.mode = 'slow 2';
        const sending = bench.off(bench.context(rig), rig);
        await waitUntil(() => rig.commands().length === 1, 5000, 'the command to arrive');
        rig.freeze();
        expect(await sending).toMatchObject({
          kind: 'unknown',
          error: { code: 'TIMEOUT', mayHaveActed: true },
        });
        rig.thaw();
      });

      it('B9: killed during the command: unknown', async () => {
        const rig = await start();
        rig.mode = 'slow 2';
        const sending = bench.off(bench.context(rig), rig);
        await waitUntil(() => rig.commands().length === 1, 5000, 'the command to arrive');
        rig.kill();
        expect(await sending).toMatchObject({
          kind: 'unknown',
          error: { code: 'TIMEOUT', mayHaveActed: true },
        });
      });

      it('frozen before the call: unreachable, or killed at the deadline', async () => {
        const rig = await start();
        rig.freeze();
        const result = await bench.off(bench.context(rig, { timeoutMs: 3000 }), rig);
        expect(result).toMatchObject({ kind: 'unknown', error: { code: 'TIMEOUT' } });
        rig.thaw();
      });

      it('B13: an aborted call is gone at once, and may have acted', async () => {
        const rig = await start();
        rig.mode = 'slow 3';
        const abort = new AbortController();
        const sending = bench.off(bench.context(rig, { signal: abort.signal }), rig);
        await waitUntil(() => rig.commands().length === 1, 5000, 'the command to arrive');
        const abortedMs = performance.now();
        abort.abort();
        expect(await sending).toMatchObject({
          kind: 'unknown',
          error: { code: 'CANCELLED', mayHaveActed: true },
        });
        expect(performance.now() - abortedMs).toBeLessThan(1000);
      });

      it('operation, ok: reads, switches off once, and reads Off over the settle time', async () => {
        const rig = await start();
        const trial = await bench.fence([[{ rig, identity }]], settled, 15_000);
        expect(rig.commands()).toEqual(['off']);
        expect(trial.attempts).toMatchObject([{ outcome: 'accepted', action: 'off', level: 1 }]);
        expect(trial.powers('bmc')[0]).toBe('on');
        expect(trial.codes()).toEqual([]);
        const result = await powerOn({
          env,
          drivers: builtinDrivers(),
          queues: trial.queues,
          devices: [bench.device(rig, identity)],
          level: 1,
          secretsOf: () => Promise.resolve({ password: rig.user.password }),
          outstanding: () => trial.execution.outstanding(),
          onAttempt: (attempt) => bench.said.push(attempt),
          signal: new AbortController().signal,
        });
        expect(result).toEqual({ kind: 'on' });
        expect(rig.commands()).toEqual(['off', 'on']);
      });

      it('N1: operation, already off: Off over the settle time without any command', async () => {
        const rig = await start();
        rig.power = 'off';
        const trial = await bench.fence([[{ rig, identity }]], settled, 15_000);
        expect(rig.commands()).toEqual([]);
        expect(trial.attempts).toEqual([]);
        expect(trial.asks).toEqual([]);
      });

      it('B8: operation, wrong identity: no command, no reading, a word about it', async () => {
        const rig = await start();
        const trial = await bench.fence(
          [[{ rig, identity: '12345678-1234-1234-1234-123456789abc' }]],
          ({ problems }) => problems.length > 0,
          15_000,
        );
        expect(trial.codes()).toEqual(['IDENTITY_MISMATCH']);
        expect(rig.commands()).toEqual([]);
        expect(trial.offRun('bmc')).toEqual([]);
      });

      it('B10: operation, slow 3 s: more time is given until it can be read, off is sent once', async () => {
        const rig = await start();
        rig.mode = 'slow 3';
        const trial = await bench.fence([[{ rig, identity }]], settled, 60_000);
        expect(rig.commands()).toEqual(['off']);
        expect(trial.attempts).toHaveLength(1);
      });

      it('operation, lie: Off is read after one off; whether it is believed is not decided here', async () => {
        const rig = await start();
        rig.mode = 'lie';
        await bench.fence([[{ rig, identity }]], settled, 15_000);
        expect(rig.commands()).toEqual(['off']);
        expect(rig.power).toBe('on');
      });

      it('operation, fail then ok: the ambiguous off is verified, then sent once more, on record', async () => {
        const rig = await start();
        rig.mode = 'fail';
        const healed = (trial: FenceTrial): boolean => {
          if (trial.attempts.length > 0) rig.mode = 'ok';
          return settled(trial);
        };
        const trial = await bench.fence([[{ rig, identity }]], healed, 30_000);
        expect(trial.attempts).toMatchObject([
          { outcome: 'unknown', error: 'BMC_ERROR' },
          { outcome: 'accepted', detail: expect.stringContaining('sent again') },
        ]);
        expect(rig.commands()).toEqual(['off', 'off']);
      });
    });
  });

  describe.skipIf(ipmiSimMissing !== null)(`and ipmi_sim alone ${reason(ipmiSimMissing)}`, () => {
    it('probe: learns suite 3, identity and power, and warns that suite 0 is open', async () => {
      const rig = await sim();
      const context = bench.context(rig, { settings: rig.settings });
      const report = await ipmiDriver.probe(context);
      bench.said.push(report);
      expect(report).toMatchObject({
        ok: true,
        error: null,
        identity: simIdentity,
        power: 'on',
        learned: { cipherSuite: 3 },
      });
      expect(report.warnings.map(({ code }) => code)).toContain('CIPHER_0_OPEN');
      expect(report.latencyMs).toBeGreaterThan(0);
      expect(rig.commands()).toEqual([]);
    });

    it('B2: probe with a wrong password says so', async () => {
      const rig = await sim();
      const context = bench.context(rig, { secrets: bench.wrongPassword() });
      const report = await ipmiDriver.probe(context);
      bench.said.push(report);
      expect(report).toMatchObject({ ok: false, error: { code: 'AUTH_PASSWORD' } });
    });

    it('wrong user: rejected, and nothing is executed', async () => {
      const rig = await sim();
      const settings = { ...rig.settings, user: 'nobody', cipherSuite: 3 };
      expect(await bench.off(bench.context(rig, { settings }), rig)).toMatchObject({
        kind: 'rejected',
        error: { code: 'AUTH_USER', mayHaveActed: false },
      });
      expect(rig.commands()).toEqual([]);
    });

    it('B1: an address where nobody listens: unreachable after two waits, certainly not executed', async () => {
      expect(await bench.off(nobodyAt(loopbackAddress()), null)).toMatchObject({
        kind: 'rejected',
        error: { code: 'UNREACHABLE', mayHaveActed: false, retry: 'yes' },
      });
    });

    it('a name that does not resolve is told apart from a dead BMC', async () => {
      expect(await bench.off(nobodyAt('no-such-bmc.invalid'), null)).toMatchObject({
        kind: 'rejected',
        error: { code: 'DNS' },
      });
    });

    it('sessions exhausted: told apart, and certainly not executed', async () => {
      const rig = await sim();
      expect(await exhaustSessions(rig.files, 25_000)).toBe(true);
      expect(await bench.off(bench.context(rig), rig)).toMatchObject({
        kind: 'rejected',
        error: { code: 'SESSION_LIMIT', mayHaveActed: false },
      });
    });

    it('a tool that is not installed is a result of its own', async () => {
      const rig = await sim();
      const without: Env = {
        ...env,
        processes: {
          run: (request) =>
            env.processes.run({ ...request, environment: { PATH: '/nonexistent' } }),
        },
      };
      expect(await bench.off({ ...bench.context(rig), env: without }, rig)).toMatchObject({
        kind: 'rejected',
        error: { code: 'TOOL_MISSING', mayHaveActed: false },
      });
    });
  });

  describe.skipIf(pyghmiMissing !== null)(`and pyghmi alone ${reason(pyghmiMissing)}`, () => {
    it.each([
      ['busy', 'BMC_BUSY', 'yes'],
      ['denied', 'PRIVILEGE', 'no'],
      ['state', 'STATE', 'readStatusFirst'],
    ] as const)('%s: rejected as %s, certainly not executed', async (mode, code, retry) => {
      const rig = await pyghmi();
      rig.mode = mode;
      expect(await bench.off(bench.context(rig), rig)).toMatchObject({
        kind: 'rejected',
        error: { code, retry, mayHaveActed: false },
      });
      expect(rig.power).toBe('on');
    });

    it('probe: no warning about suite 0, which it refuses, and one about a missing identity', async () => {
      const rig = await bench.rig(() => startPyghmi(null));
      const report = await ipmiDriver.probe(bench.context(rig, { settings: rig.settings }));
      bench.said.push(report);
      expect(report).toMatchObject({ ok: true, identity: null, learned: { cipherSuite: 3 } });
      const codes = report.warnings.map(({ code }) => code);
      expect(codes).toContain('NO_IDENTITY');
      expect(codes).not.toContain('CIPHER_0_OPEN');
    });

    it('wrong user, about which it keeps silent: a reading ends as unreachable', async () => {
      const rig = await pyghmi();
      const settings = { ...rig.settings, user: 'nobody', cipherSuite: 3 };
      const reading = await ipmiDriver.status(bench.context(rig, { settings, timeoutMs: 6000 }));
      bench.said.push(reading);
      expect(reading).toMatchObject({ kind: 'failed', error: { code: 'UNREACHABLE' } });
      expect(clientsOf(rig.files.address)).toEqual([]);
    });

    it('operation, busy then ok: off is sent again, on record, until it is taken', async () => {
      const rig = await pyghmi();
      rig.mode = 'busy';
      const healed = (trial: FenceTrial): boolean => {
        if (trial.attempts.length > 0) rig.mode = 'ok';
        return settled(trial);
      };
      const trial = await bench.fence([[{ rig, identity: pyghmiIdentity }]], healed, 30_000);
      expect(trial.attempts.map(({ error }) => error)).toEqual(['BMC_BUSY', null]);
      expect(rig.commands()).toHaveLength(2);
    });
  });
});

describe('secrets', () => {
  it('were in no argument, no environment, no result and no log line of any case above', () => {
    expect(bench.watch.leaks).toEqual([]);
    const text = JSON.stringify(bench.said);
    expect(bench.secrets.filter((secret) => text.includes(secret))).toEqual([]);
    // The watch did look, and did see the clients.
    expect(bench.secrets.length).toBeGreaterThan(0);
    expect([...bench.watch.programs]).toContain('ipmitool');
  });

  it('in arguments and environments are found by this watch', async () => {
    const control = new SecretWatch();
    try {
      const inArguments = uniquePassword();
      const inEnvironment = uniquePassword();
      control.add(inArguments);
      control.add(inEnvironment);
      const { processes } = env;
      const base = { file: 'sleep', input: '', timeoutMs: 300, maxOutputBytes: 100 };
      const path = { PATH: '/usr/bin:/bin' };
      await Promise.all([
        processes.run({
          ...base,
          file: 'sh',
          arguments: ['-c', 'sleep 1', inArguments],
          environment: path,
        }),
        processes.run({ ...base, arguments: ['1'], environment: { ...path, X: inEnvironment } }),
      ]);
      const places = control.leaks.map((leak) => leak.split(' ')[0]);
      expect(new Set(places)).toEqual(new Set(['cmdline', 'environ']));
    } finally {
      control.stop();
    }
  });
});
