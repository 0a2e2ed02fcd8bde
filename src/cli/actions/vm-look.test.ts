import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { kennel, ok } from '../testing/fake-world.ts';

function guest() {
  const typed: string[] = [];
  const stream = new PassThrough();
  stream.write = ((bytes: Uint8Array) => {
    typed.push(new TextDecoder().decode(bytes));
    return true;
  }) as typeof stream.write;
  const asked: unknown[] = [];
  const client = {
    consoleOfVm: async (vm: string, how: object) => {
      asked.push([vm, how]);
      setImmediate(() => stream.push('login: '));
      return ok(stream);
    },
  };
  return { client, typed, asked, stream };
}

test('keys go to the guest up to ^], which ends the console', async () => {
  const { client, typed, asked } = guest();
  const { code, errors } = await kennel('vm console db-1 --force --reason why', {
    client,
    answers: [],
    keys: ['ro', 'ot\r\u001dx'],
  });
  expect(code).toBe(0);
  expect(typed).toEqual(['ro', 'ot\r']);
  expect(errors).toContain('^] ends it');
  expect(asked).toEqual([['db-1', { force: true, readOnly: false, reason: 'why' }]]);
});

test('without a terminal it only reads, and only when that was asked for', async () => {
  const refused = await kennel('vm console db-1', { client: guest().client });
  expect(refused.code).toBe(64);
  expect(refused.errors).toContain('--read-only');
  const { client, typed, stream } = guest();
  setTimeout(() => stream.push(null), 20);
  const { code, out } = await kennel('vm console db-1 --read-only', { client, keys: ['no'] });
  expect({ code, out, typed }).toEqual({ code: 0, out: 'login: ', typed: [] });
});

test('a screenshot is written where it was asked for, and its kind is told', async () => {
  const picture = { vm: 'db-1', node: 'node-1', mime: 'image/x-portable-pixmap', data: 'UDYK' };
  const client = { screenshotOfVm: async () => ok(picture) };
  const { out, world } = await kennel('vm screenshot db-1 shot.ppm', { client });
  expect(world.files.get('/work/shot.ppm')).toBe('P6\n');
  expect(out).toBe('vm db-1: screen on node-1 is in shot.ppm (image/x-portable-pixmap, 3 bytes)\n');
});
