import { expect, test } from 'vitest';
import { KennelError } from '../../errors/kennel-error.ts';
import type { Log, LogFields } from '../log.ts';
import { realLog, type LogLevel } from './log.ts';

function capture(level: LogLevel = 'debug'): { log: Log; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const stream = {
    write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>),
  };
  return { log: realLog({ level, stream }), lines };
}

function logged(fields: LogFields, message = 'said'): Record<string, unknown> {
  const { log, lines } = capture();
  log.info(fields, message);
  const [line] = lines;
  return line ?? {};
}

test('a line has level, time, the given keys and the message', () => {
  const { log, lines } = capture();
  log.child({ node: 'node-1' }).warn({ vm: 'db-1', epoch: 3 }, 'it is gone');
  expect(lines).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      node: 'node-1',
      vm: 'db-1',
      epoch: 3,
      msg: 'it is gone',
    },
  ]);
});

test('lines below the level are not written', () => {
  const { log, lines } = capture('warn');
  log.debug({}, 'a');
  log.info({}, 'b');
  log.error({}, 'c');
  expect(lines.map((line) => line['msg'])).toEqual(['c']);
});

test('X4: secrets are masked by name at every depth, in children too', () => {
  const { log, lines } = capture();
  const body = {
    secrets: { user: 'admin', other: 'hunter2' },
    devices: [{ bmcPassword: 'hunter2', passphrase: 12_345, host: '192.0.2.1' }],
    keyPem: 'hunter2',
    token: 'hunter2',
    Key: 'hunter2',
  };
  log.child({ password: 'hunter2' }).info({ body, apiToken: 'hunter2' }, 'said');
  const text = JSON.stringify(lines);
  expect(text).not.toContain('hunter2');
  expect(text).not.toContain('12345');
  expect(text).toContain('192.0.2.1');
});

test('the token of a permit is a number, and stays readable', () => {
  expect(logged({ permit: { vm: 'db-1', token: 7 } })).toMatchObject({ permit: { token: 7 } });
});

test('X4: join tokens and private keys are masked wherever they stand', () => {
  const token = `kjt1.0123456789abcdef.${'s'.repeat(43)}.${'f'.repeat(64)}`;
  const pem = '-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n';
  const error = new Error(`cannot use ${token}`, { cause: new Error(pem) });
  const line = logged({ note: pem, err: error, list: [token] }, `got ${token}`);
  const text = JSON.stringify(line);
  expect(text).not.toContain('sssss');
  expect(text).not.toContain('MIGHAgEA');
  expect(line['msg']).toBe(`got kjt1.0123456789abcdef.[redacted].${'f'.repeat(64)}`);
});

test('an error is its code and message with its causes; only a defect brings its stack', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const known = new KennelError(
    { code: 'E_UNAVAILABLE', what: 'no answer', because: 'reset', so: '', try: [] },
    { cause: reset },
  );
  expect(logged({ err: known })['err']).toEqual({
    code: 'E_UNAVAILABLE',
    message: 'no answer: reset',
    cause: { code: 'ECONNRESET', message: 'read ECONNRESET' },
  });
  expect(logged({ err: new TypeError('x is undefined') })['err']).toEqual({
    message: 'x is undefined',
    stack: expect.stringContaining('log.test.ts'),
  });
  expect(logged({ err: 'plain text' })['err']).toBe('plain text');
});

test('what is logged is bounded, also when it refers to itself', () => {
  const loop: Record<string, unknown> = { name: 'loop' };
  loop['self'] = loop;
  const line = logged({ loop, text: 'x'.repeat(100_000), bytes: new Uint8Array(9), big: 1n });
  expect(JSON.stringify(line).length).toBeLessThan(10_000);
  expect(line).toMatchObject({ bytes: '[9 bytes]', big: '1' });
});
