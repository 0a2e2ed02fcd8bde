import { link, stat, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { soon, useTestServer } from './test-server.ts';
import { testEvent } from './test-service.ts';

const world = useTestServer();

function watch(path: string): {
  readonly lines: () => string[];
  readonly ended: () => boolean;
  readonly stop: () => void;
} {
  let text = '';
  let ended = false;
  const outgoing = httpsRequest(world.request(path));
  outgoing.on('error', () => undefined);
  outgoing.on('response', (response) => {
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.on('close', () => {
      ended = true;
    });
  });
  outgoing.end();
  return {
    lines: () => text.split('\n').slice(0, -1),
    ended: () => ended,
    stop: () => outgoing.destroy(),
  };
}

test('a watch gives events as lines, a blank line every 15 s, and ends with the client', async () => {
  const stream = watch('/v1/watch?after=41');
  await soon(() => expect(world.service.watches.size).toBe(1));
  expect([...world.service.watches][0]?.after).toBe(41);
  await soon(() => expect(stream.lines()).toEqual(['']));
  world.service.emit(testEvent(42));
  world.service.emit(testEvent(43));
  await soon(() => expect(stream.lines()).toHaveLength(3));
  expect(
    stream
      .lines()
      .slice(1)
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([testEvent(42), testEvent(43)]);
  const keepAlive = world.timers.find((timer) => timer.delayMs === 15_000);
  keepAlive?.action();
  await soon(() => expect(stream.lines()).toHaveLength(4));
  expect(stream.lines()[3]).toBe('');
  stream.stop();
  await soon(() => expect(world.service.watches.size).toBe(0));
});

test('a client that does not read is cut off instead of filling the memory', async () => {
  const outgoing = httpsRequest(world.request('/v1/watch'));
  outgoing.on('error', () => undefined);
  // No one reads the response.
  outgoing.on('response', (response) => response.pause());
  outgoing.end();
  await soon(() => expect(world.service.watches.size).toBe(1));
  const big = { ...testEvent(1), text: 'x'.repeat(256 * 1024) };
  await soon(() => {
    world.service.emit(big);
    expect(world.service.watches.size).toBe(0);
  });
  outgoing.destroy();
});

test('closing ends watches and frees the port and the socket file', async () => {
  const stream = watch('/v1/watch');
  await soon(() => expect(stream.lines()).toHaveLength(1));
  await world.server.close();
  await soon(() => expect(stream.ended()).toBe(true));
  expect(world.service.watches.size).toBe(0);
  await expect(world.ask('GET', '/v1/status')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(stat(join(world.directory, 'api.sock'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('an address or socket in use is a problem, a socket file of a dead process is not', async () => {
  const port = world.server.address?.port ?? 0;
  await expect(world.start({ port })).rejects.toMatchObject({ code: 'E_PREREQUISITE' });
  const live = join(world.directory, 'api.sock');
  await expect(world.start({ unixSocket: live })).rejects.toMatchObject({ code: 'E_PREREQUISITE' });
  const plainFile = join(world.directory, 'file');
  await writeFile(plainFile, 'precious');
  await expect(world.start({ unixSocket: plainFile })).rejects.toMatchObject({
    code: 'E_PREREQUISITE',
  });
  expect((await stat(plainFile)).size).toBe(8);
  const dead = join(world.directory, 'dead.sock');
  await leaveDeadSocket(dead);
  const second = await world.start({ unixSocket: dead });
  expect(second.address).toBeNull();
  await second.close();
});

/** A socket file that nobody listens on, as a killed process leaves it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const listener = createTcpServer();
  await new Promise<void>((resolve) => {
    listener.listen(`${path}.live`, resolve);
  });
  await link(`${path}.live`, path);
  await new Promise((resolve) => {
    listener.close(resolve);
  });
}
