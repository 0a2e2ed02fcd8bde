import { describe, expect, it } from 'vitest';
import type { ProcessRequest, ProcessResult } from '../../../src/env/processes.ts';
import type { FenceContext } from '../../driver.ts';
import { VirtualEnv } from '../../testing/virtual-env.ts';
import { ipmiDriver } from './driver.ts';

const password = 'hunter2-secret';

/** A driver context whose ipmitool is this function; `requests` is what it was asked. */
function withTool(
  answer: (request: ProcessRequest) => ProcessResult,
  overrides: Partial<FenceContext> = {},
) {
  const requests: ProcessRequest[] = [];
  const world = new VirtualEnv(() => ({
    run: (request) => {
      requests.push(request);
      return Promise.resolve(answer(request));
    },
  }));
  const context: FenceContext = {
    env: world.env,
    settings: { host: '10.0.0.11', port: 623, user: 'kennel' },
    secrets: { password },
    timeoutMs: 16_000,
    ...overrides,
  };
  return { requests, context };
}

function exited(code: number, stdout: string, stderr = ''): ProcessResult {
  return { kind: 'exited', code, stdout, stderr };
}

const isOn = exited(0, 'Chassis Power is on\n');
const suiteRefused = exited(
  1,
  '',
  'Error in open session response message : invalid authentication algorithm',
);
const wrongPassword = exited(1, '', '> RAKP 2 HMAC is invalid');
const guid = exited(0, 'System GUID   : 6B656E6E656C2D626D632D6E312D3000\n');

function option(request: ProcessRequest, name: string): string | undefined {
  return request.arguments[request.arguments.indexOf(name) + 1];
}

describe('a call', () => {
  it('gives the password on stdin alone, and a bare environment', async () => {
    const { requests, context } = withTool(() => exited(0, 'Chassis Power Control: Down/Off\n'));
    expect(await ipmiDriver.off(context)).toEqual({
      kind: 'accepted',
      detail: 'Chassis Power Control: Down/Off',
    });
    const [request] = requests;
    expect(request?.input).toBe(password);
    expect(request?.arguments.join(' ')).not.toContain(password);
    expect(Object.keys(request?.environment ?? {})).toEqual(['PATH', 'LC_ALL']);
    expect(request?.timeoutMs).toBe(16_000);
  });

  it('uses the suite that was learned, and the usual one before any was', async () => {
    const first = withTool(() => isOn);
    await ipmiDriver.status(first.context);
    expect(option(first.requests[0] as ProcessRequest, '-C')).toBe('3');
    const settings = { ...first.context.settings, cipherSuite: 17 };
    const second = withTool(() => isOn, { settings });
    await ipmiDriver.status(second.context);
    expect(option(second.requests[0] as ProcessRequest, '-C')).toBe('17');
  });

  it('waits longer for a reading when it is given more time', async () => {
    const { requests, context } = withTool(() => isOn, { timeoutMs: 24_000 });
    await ipmiDriver.status(context);
    expect(option(requests[0] as ProcessRequest, '-N')).toBe('11');
    expect(requests[0]?.timeoutMs).toBe(24_000);
  });

  it('says the identity in the order of the wire', async () => {
    const { context } = withTool(() => guid);
    expect(await ipmiDriver.identity(context)).toEqual({
      kind: 'identity',
      identity: '6b656e6e-656c-2d62-6d63-2d6e312d3000',
    });
  });

  it('an off that may have acted is unknown, one that cannot have is rejected', async () => {
    const killed = withTool(() => ({ kind: 'killed', because: 'timeout', stdout: '', stderr: '' }));
    expect(await ipmiDriver.off(killed.context)).toMatchObject({
      kind: 'unknown',
      error: { code: 'TIMEOUT', mayHaveActed: true, retry: 'byStatusOnly' },
    });
    const refused = withTool(() => wrongPassword);
    expect(await ipmiDriver.off(refused.context)).toMatchObject({
      kind: 'rejected',
      error: { code: 'AUTH_PASSWORD', mayHaveActed: false, retry: 'no' },
    });
  });

  it('an echoed password is cut out of results', async () => {
    const { context } = withTool(() => exited(1, '', `strange: ${password}`));
    const result = await ipmiDriver.off(context);
    expect(JSON.stringify(result)).not.toContain(password);
    expect(result).toMatchObject({ kind: 'unknown', error: { detail: 'strange: ***' } });
  });

  it('wrong settings and unusable passwords start no process', async () => {
    const { requests, context } = withTool(() => isOn, {
      settings: { host: '-x', user: 'kennel' },
    });
    expect(await ipmiDriver.off(context)).toMatchObject({
      kind: 'rejected',
      error: { code: 'CONFIG' },
    });
    const other = withTool(() => isOn, { secrets: { password: 'x'.repeat(21) } });
    expect(await ipmiDriver.status(other.context)).toMatchObject({
      kind: 'failed',
      error: { code: 'CONFIG' },
    });
    expect([...requests, ...other.requests]).toEqual([]);
  });
});

describe('probe', () => {
  /** A BMC with suite 3 only. */
  function probed(open: {
    readonly suite0?: boolean;
    readonly admin?: boolean;
    readonly guid?: ProcessResult;
  }) {
    return withTool((request) => {
      const suite = option(request, '-C');
      if (suite === '17') return suiteRefused;
      if (suite === '0') return open.suite0 === true ? isOn : suiteRefused;
      if (request.arguments.includes('guid')) return open.guid ?? guid;
      if (option(request, '-L') === 'ADMINISTRATOR') {
        return open.admin === true
          ? isOn
          : exited(
              1,
              '',
              'RAKP 2 message indicates an error : unauthorized role or privilege level requested',
            );
      }
      return request.input === password ? isOn : wrongPassword;
    });
  }

  it('learns the strongest suite that works, identity and power', async () => {
    const { requests, context } = probed({});
    expect(await ipmiDriver.probe(context)).toEqual({
      ok: true,
      error: null,
      identity: '6b656e6e-656c-2d62-6d63-2d6e312d3000',
      power: 'on',
      learned: { cipherSuite: 3 },
      warnings: [],
      latencyMs: 0,
    });
    expect(requests.slice(0, 2).map((request) => option(request, '-C'))).toEqual(['17', '3']);
    expect(
      requests.every(({ arguments: words }) => !words.includes('off') && !words.includes('on')),
    ).toBe(true);
  });

  it('warns when suite 0 opens the BMC, which it tries with another password', async () => {
    const { requests, context } = probed({ suite0: true });
    const report = await ipmiDriver.probe(context);
    expect(report.warnings.map(({ code }) => code)).toEqual(['CIPHER_0_OPEN']);
    expect(report.learned).toEqual({ cipherSuite: 3 });
    const zero = requests.find((request) => option(request, '-C') === '0');
    expect(zero?.input).toMatch(/^[0-9a-f]{16}$/);
  });

  it('warns of an account that may do more than it needs, and of a missing identity', async () => {
    const { context } = probed({
      admin: true,
      guid: exited(1, '', 'IPMI command failed: Invalid command'),
    });
    const report = await ipmiDriver.probe(context);
    expect(report).toMatchObject({ ok: true, identity: null });
    expect(report.warnings.map(({ code }) => code)).toEqual(['NO_IDENTITY', 'TOO_PRIVILEGED']);
  });

  it('B2: a refused credential ends it with its code', async () => {
    const { requests, context } = withTool(() => wrongPassword);
    expect(await ipmiDriver.probe(context)).toMatchObject({
      ok: false,
      error: { code: 'AUTH_PASSWORD', mayHaveActed: false },
      power: 'unknown',
    });
    expect(requests).toHaveLength(1);
  });

  it('a BMC that offers no suite at all is a cipher error', async () => {
    const { context } = withTool(() => suiteRefused);
    expect(await ipmiDriver.probe(context)).toMatchObject({ ok: false, error: { code: 'CIPHER' } });
  });
});

describe('the driver', () => {
  it('gives back settings to be stored', () => {
    expect(ipmiDriver.parseSettings({ host: 'bmc', user: 'u' })).toEqual({
      kind: 'ok',
      settings: { host: 'bmc', port: 623, user: 'u' },
    });
  });
});
