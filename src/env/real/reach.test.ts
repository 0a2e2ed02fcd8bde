import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { realReach } from './reach.ts';

const host = '127.0.0.1';
const servers: (Server | HttpServer)[] = [];
const reach = realReach();

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(server: Server | HttpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

const answering = (status: number, hits: string[] = []): HttpServer =>
  createHttpServer((request, response) => {
    hits.push(request.url ?? '');
    response.writeHead(status, { location: '/elsewhere' }).end();
  });

it('a port is reached when a connection is taken, and not when none is', async () => {
  const server = createServer((socket) => socket.destroy());
  const port = await serve(server);
  expect(await reach.tcp({ host, port }, 2000)).toBeNull();
  await new Promise((resolve) => server.close(resolve));
  expect(await reach.tcp({ host, port }, 2000)).toContain('ECONNREFUSED');
});

it('GET is answered by a status of 200 to 399, and no redirect is followed', async () => {
  const hits: string[] = [];
  const port = await serve(answering(302, hits));
  expect(await reach.http({ host, port, path: '/health?x=1' }, 2000)).toBeNull();
  expect(hits).toEqual(['/health?x=1']);
  const bad = await serve(answering(503));
  expect(await reach.http({ host, port: bad, path: '/' }, 2000)).toBe('status 503');
});

it('what takes a connection and says nothing is given up at the deadline', async () => {
  const port = await serve(createServer(() => undefined));
  expect(await reach.tcp({ host, port }, 2000)).toBeNull();
  expect(await reach.http({ host, port, path: '/' }, 100)).toBe('no answer within 100 ms');
});
