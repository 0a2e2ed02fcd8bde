import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { startApiServer, type ApiServer } from '../api/server/server.ts';
import { makeTestService, testEvent, type TestService } from '../api/server/test-service.ts';
import type { Problem } from '../core/problem.ts';
import { realClock } from '../env/real/clock.ts';
import { realLog } from '../env/real/log.ts';
import { realTimers } from '../env/real/timers.ts';
import type { Credentials } from '../pki/credentials.ts';
import { makeTestCluster, type TestCluster } from '../pki/test-credentials.ts';
import { openClient, type Client } from './client.ts';

/** A client of several managers, two of them real servers with a service that records. */
let cluster: TestCluster;
let admin: Credentials;
const cleanups: (() => unknown)[] = [];

const notLeader: Problem = {
  code: 'E_NOT_LEADER',
  what: 'this manager cannot answer',
  because: 'it does not lead',
  so: 'nothing was done',
  try: [],
};

beforeAll(async () => {
  cluster = await makeTestCluster();
  admin = await cluster.issue('admin', 'root');
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(
  name: string,
): Promise<{ port: number; service: TestService; api: ApiServer }> {
  const service = makeTestService();
  const credentials = await cluster.issue('manager', name);
  const api = await startApiServer({
    env: {
      clock: realClock(),
      timers: realTimers(),
      log: realLog({ level: 'silent', stream: { write: () => undefined } }),
    },
    service,
    credentials: () => credentials,
    listen: { host: '127.0.0.1', port: 0 },
    unixSocket: null,
  });
  cleanups.push(() => api.close());
  return { port: api.address?.port ?? 0, service, api };
}

function clientOf(first: number, ...rest: number[]): Client {
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const client = openClient({ targets: [at(first), ...rest.map(at)], credentials: admin });
  cleanups.push(() => client.close());
  return client;
}

/** A port on which nobody ever says a word: its machine is frozen. */
async function silentPort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanups.push(() => server.close());
  server.on('connection', (socket) => cleanups.push(() => socket.destroy()));
  return (server.address() as AddressInfo).port;
}

const made = (service: TestService): number =>
  service.calls.filter((call) => call.method === 'createToken').length;
const token = { node: null, ttlMs: 5000 };

test('a change goes to the leader that a follower names, also one that nobody configured', async () => {
  const [follower, leader] = [await serve('mgr-1'), await serve('mgr-2')];
  follower.service.refusal = notLeader;
  follower.service.leads = { name: 'mgr-2', api: `127.0.0.1:${leader.port}`, isSelf: false };
  const client = clientOf(follower.port);
  expect(await client.createToken(token)).toMatchObject({ kind: 'ok' });
  expect([made(follower.service), made(leader.service)]).toEqual([1, 1]);
  await client.createToken(token);
  expect(made(leader.service)).toBe(2);
});

test('a manager that is down is passed over, and the one that answered is asked first', async () => {
  const [down, up] = [await serve('mgr-1'), await serve('mgr-2')];
  await down.api.close();
  const client = clientOf(down.port, up.port);
  expect(await client.status()).toMatchObject({ kind: 'ok' });
  expect(await client.createToken(token)).toMatchObject({ kind: 'ok' });
  expect(made(up.service)).toBe(1);
});

test('a manager that accepts and says nothing is passed over: nothing was sent to it', async () => {
  const up = await serve('mgr-2');
  const client = clientOf(await silentPort(), up.port);
  expect(await client.createToken(token)).toMatchObject({ kind: 'ok' });
  expect(made(up.service)).toBe(1);
});

test('while there is no leader a change is offered again until there is one', async () => {
  const [one, two] = [await serve('mgr-1'), await serve('mgr-2')];
  for (const { service } of [one, two]) {
    service.refusal = notLeader;
    service.leads = null;
  }
  const client = clientOf(one.port, two.port);
  const asked = client.createToken(token);
  const elected = realTimers().after(700, () => {
    two.service.refusal = null;
  });
  cleanups.push(() => elected.cancel());
  expect(await asked).toMatchObject({ kind: 'ok' });
});

test('while managers name each other as the leader a change is offered again until one leads', async () => {
  const [one, two] = [await serve('mgr-1'), await serve('mgr-2')];
  for (const [{ service }, other] of [[one, two] as const, [two, one] as const]) {
    service.refusal = notLeader;
    service.leads = { name: 'other', api: `127.0.0.1:${other.port}`, isSelf: false };
  }
  const asked = clientOf(one.port, two.port).createToken(token);
  const elected = realTimers().after(700, () => {
    two.service.refusal = null;
  });
  cleanups.push(() => elected.cancel());
  expect(await asked).toMatchObject({ kind: 'ok' });
});

test('when no manager answers, that is the problem, and nothing is said of a change', async () => {
  const [one, two] = [await serve('mgr-1'), await serve('mgr-2')];
  await one.api.close();
  await two.api.close();
  const client = clientOf(one.port, two.port);
  expect(await client.createToken(token)).toMatchObject({ problem: { code: 'E_UNAVAILABLE' } });
});

test('a server of another cluster is never told anything, and does not end the search', async () => {
  const other = await makeTestCluster();
  const [own, mine] = [cluster, await serve('mgr-2')];
  cluster = other;
  const foreign = await serve('mgr-1');
  cluster = own;
  const client = clientOf(foreign.port, mine.port);
  expect(await client.createToken(token)).toMatchObject({ kind: 'ok' });
  expect(foreign.service.calls).toEqual([]);
});

test('a watch goes on from the next manager, with nothing twice and nothing left out', async () => {
  const [one, two] = [await serve('mgr-1'), await serve('mgr-2')];
  const client = clientOf(one.port, two.port);
  const seen: number[] = [];
  const end = new AbortController();
  const watching = (async () => {
    for await (const event of client.watchEvents(0, { signal: end.signal })) {
      seen.push(event.sequence);
      if (event.sequence === 3) end.abort();
      if (event.sequence === 2) void one.api.close();
    }
  })();
  const emitWhenWatched = async (
    service: TestService,
    sequences: readonly number[],
  ): Promise<void> => {
    await vi.waitUntil(() => service.watches.size === 1, { timeout: 8000 });
    for (const sequence of sequences) service.emit(testEvent(sequence));
  };
  await emitWhenWatched(one.service, [1, 2]);
  await emitWhenWatched(two.service, [2, 3]);
  await watching;
  expect(seen).toEqual([1, 2, 3]);
});
