import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startApiServer, type ApiServer } from '../api/server/server.ts';
import {
  callerIn,
  makeTestService,
  testEvent,
  testFence,
  testNode,
  testVm,
  type TestService,
} from '../api/server/test-service.ts';
import type { EventView, StatusView } from '../api/schema/views.ts';
import { ok, problem, type Problem } from '../core/problem.ts';
import { realClock } from '../env/real/clock.ts';
import { realLog } from '../env/real/log.ts';
import { realTimers } from '../env/real/timers.ts';
import type { Credentials } from '../pki/credentials.ts';
import { makeTestCluster, type TestCluster } from '../pki/test-credentials.ts';
import { openClient, type Client } from './client.ts';

let cluster: TestCluster;
let manager: Credentials;
let admin: Credentials;
let directory: string;
let service: TestService;
let server: ApiServer;
let client: Client;
const cleanups: (() => unknown)[] = [];

/** Waits for a condition; the machine may be busy with other things. */
const soon = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 8000, interval: 5 });

beforeAll(async () => {
  cluster = await makeTestCluster();
  manager = await cluster.issue('manager', 'mgr-1');
  admin = await cluster.issue('admin', 'root');
  directory = await mkdtemp(join(tmpdir(), 'kennel-client-'));
});
afterAll(() => rm(directory, { recursive: true }));

const socketPath = (): string => join(directory, 'api.sock');

async function serve(port: number, as: Credentials = manager): Promise<ApiServer> {
  const started = await startApiServer({
    env: {
      clock: realClock(),
      timers: realTimers(),
      log: realLog({ level: 'silent', stream: { write: () => undefined } }),
    },
    service,
    credentials: () => as,
    listen: { host: '127.0.0.1', port },
    unixSocket: port === 0 && as === manager ? socketPath() : null,
  });
  cleanups.push(() => started.close());
  return started;
}

const port = (): number => server.address?.port ?? 0;
const openAs = (credentials: Credentials, at = port()): Client =>
  openClient({ targets: [{ host: '127.0.0.1', port: at }], credentials });

beforeEach(async () => {
  service = makeTestService();
  server = await serve(0);
  client = openAs(admin);
});
afterEach(async () => {
  await client.close();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('every read gives its view', async () => {
  expect(await client.status()).toMatchObject({ kind: 'ok', value: { clusterName: 'test' } });
  expect(await client.nodes()).toEqual(ok([testNode]));
  expect(await client.node('node-1')).toEqual(ok(testNode));
  expect(await client.vms()).toEqual(ok([testVm]));
  expect(await client.vm('db-1')).toEqual(ok(testVm));
  expect(await client.events(4, 10)).toEqual(ok([testEvent(5)]));
  expect(await client.failovers()).toMatchObject({ value: [{ id: 'FO-1' }] });
  expect(await client.failover('FO-1')).toMatchObject({ value: { id: 'FO-1' } });
  expect(await client.explain('E_X')).toMatchObject({ value: { topic: 'E_X' } });
  expect(await client.metrics()).toEqual(ok('# TYPE kennel_up gauge\nkennel_up 1\n'));
  expect(await client.openapi()).toMatchObject({
    value: expect.stringContaining('"openapi":"3.1.0"'),
  });
});

test('every change arrives with its body, and as a dry run when asked', async () => {
  const { spec } = testVm;
  const dryRun = { dryRun: true };
  const calls = [
    ['createToken', client.createToken({ node: 'node-2', ttlMs: 5000 }), false],
    ['removeNode', client.removeNode('node-1', dryRun), true],
    ['fenceNode', client.fenceNode('node-1', { reason: 'r', override: true }, dryRun), true],
    ['confirmOff', client.confirmOff('node-1', { fence: 'F-1', reason: 'r' }), false],
    ['powerOn', client.powerOn('node-1', dryRun), true],
    ['createVm', client.createVm({ id: null, spec, desired: 'running', node: null }, dryRun), true],
    ['startVm', client.startVm('db-1', { dryRun: false }), false],
    ['stopVm', client.stopVm('db-1', { force: true, reason: null }), false],
    ['deleteVm', client.deleteVm('db-1'), false],
    ['adoptVm', client.adoptVm({ node: 'node-1', domain: 'x' }, dryRun), true],
  ] as const;
  for (const [method, call, expected] of calls) {
    expect(await call).toMatchObject({ kind: 'ok' });
    const made = service.calls.find((one) => one.method === method);
    expect({ method, dryRun: callerIn(made?.given ?? []).dryRun }).toEqual({
      method,
      dryRun: expected,
    });
  }
  expect(await client.fenceNode('node-1', { reason: 'r', override: false })).toEqual(ok(testFence));
});

test('a manager is reached over its unix socket too', async () => {
  const local = openClient({ targets: [{ unixSocket: socketPath() }], credentials: admin });
  expect(await local.node('node-1')).toEqual(ok(testNode));
});

test('a problem of the manager comes back as it is', async () => {
  expect(await client.vm('nope')).toMatchObject({
    kind: 'problem',
    problem: { code: 'E_NOT_FOUND', what: 'there is no VM nope', try: ['kennel status'] },
  });
  expect(await client.node('a/b?c')).toMatchObject({ problem: { code: 'E_USAGE' } });
});

test('a manager that is not there is E_UNAVAILABLE and says why', async () => {
  await server.close();
  expect(await client.status()).toEqual(
    problem({
      code: 'E_UNAVAILABLE',
      what: `the manager at 127.0.0.1:${port()} does not answer`,
      because: 'nothing listens there (ECONNREFUSED)',
      so: 'nothing was changed',
      try: expect.arrayContaining([expect.any(String)]),
    }),
  );
  expect(await client.startVm('db-1')).toMatchObject({ problem: { code: 'E_UNAVAILABLE' } });
  const local = openClient({ targets: [{ unixSocket: socketPath() }], credentials: admin });
  expect(await local.status()).toMatchObject({
    problem: { code: 'E_UNAVAILABLE', because: 'there is no such socket file (ENOENT)' },
  });
});

test('W11: whoever is not a manager of our cluster is refused before anything is asked', async () => {
  const foreign = await makeTestCluster();
  const impostors = [
    await foreign.issue('manager', 'mgr-1'),
    await cluster.issue('agent', 'node-1'),
    await cluster.issue('manager', 'mgr-1', { lifetimeMs: -1000 }),
  ];
  for (const impostor of impostors) {
    const there = await serve(0, impostor);
    const answer = await openAs(admin, there.address?.port).createToken({
      node: null,
      ttlMs: 5000,
    });
    expect(answer).toMatchObject({ problem: { code: 'E_CERTIFICATE' } });
  }
  expect(service.calls).toEqual([]);
});

test('our own certificate can be the wrong one, and the manager says so', async () => {
  const agent = await cluster.issue('agent', 'node-1');
  expect(await openAs(agent).status()).toMatchObject({ problem: { code: 'E_FORBIDDEN' } });
  const old = await cluster.issue('admin', 'root', { lifetimeMs: -1000 });
  expect(await openAs(old).status()).toMatchObject({
    problem: { code: 'E_CERTIFICATE', because: expect.stringContaining('expired at') },
  });
});

test('a read that takes too long is E_UNAVAILABLE', async () => {
  vi.spyOn(service, 'status').mockReturnValue(new Promise<never>(() => undefined));
  expect(await client.status({ timeoutMs: 60 })).toMatchObject({
    problem: { code: 'E_UNAVAILABLE', because: 'there was no answer within 60 ms' },
  });
});

test('a change whose answer is lost is E_AMBIGUOUS, a dry run is not', async () => {
  for (const [dryRun, code] of [
    [false, 'E_AMBIGUOUS'],
    [true, 'E_UNAVAILABLE'],
  ] as const) {
    const giveUp = new AbortController();
    vi.spyOn(service, 'startVm').mockImplementation(() => {
      giveUp.abort();
      return new Promise<never>(() => undefined);
    });
    expect(await client.startVm('db-1', { dryRun, signal: giveUp.signal })).toMatchObject({
      problem: { code, because: expect.stringContaining('the call was given up') },
    });
  }
});

test('a port that accepts and says nothing meets the deadline, and nothing was sent', async () => {
  const held: Socket[] = [];
  const silent = createTcpServer((socket) => held.push(socket));
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  cleanups.push(() => {
    for (const socket of held) socket.destroy();
    silent.close();
  });
  const there = openAs(admin, (silent.address() as AddressInfo).port);
  expect(await there.deleteVm('db-1', { timeoutMs: 60 })).toMatchObject({
    problem: { code: 'E_UNAVAILABLE' },
  });
});

test('closing the client ends its calls', async () => {
  const never = new Promise<never>(() => undefined);
  vi.spyOn(service, 'status').mockReturnValue(never);
  const call = client.status();
  await client.close();
  expect(await call).toMatchObject({ problem: { because: 'the call was given up' } });
});

test('an answer of another form is not passed on', async () => {
  vi.spyOn(service, 'node').mockResolvedValue(ok({ ...testNode, state: 'odd' as 'online' }));
  expect(await client.node('node-1')).toMatchObject({ problem: { code: 'E_INTERNAL' } });
  const status: Partial<StatusView> = { ageMs: 0 };
  vi.spyOn(service, 'status').mockResolvedValue(ok(status as StatusView));
  expect(await client.nodes()).toMatchObject({ problem: { code: 'E_INTERNAL' } });
});

/** Collects what a watch yields until it ends. */
function collect(events: AsyncIterable<EventView>): {
  readonly sequences: number[];
  readonly end: Promise<unknown>;
} {
  const sequences: number[] = [];
  const run = async (): Promise<unknown> => {
    try {
      for await (const event of events) sequences.push(event.sequence);
      return null;
    } catch (error) {
      return error;
    }
  };
  return { sequences, end: run() };
}

test('a watch goes on from the last event after the manager was away', async () => {
  const stop = new AbortController();
  const interruptions: Problem[] = [];
  const watch = collect(
    client.watchEvents(41, {
      signal: stop.signal,
      onInterruption: (lost) => interruptions.push(lost),
    }),
  );
  await soon(() => expect(service.watches.size).toBe(1));
  service.emit(testEvent(42));
  service.emit(testEvent(43));
  await soon(() => expect(watch.sequences).toEqual([42, 43]));
  const same = port();
  await server.close();
  await soon(() => expect(interruptions.length).toBeGreaterThan(0));
  expect(interruptions[0]).toMatchObject({ code: 'E_UNAVAILABLE' });
  server = await serve(same);
  await soon(() => expect(service.watches.size).toBe(1));
  expect([...service.watches][0]?.after).toBe(43);
  // One that was seen already is not given again.
  service.emit(testEvent(43));
  service.emit(testEvent(44));
  await soon(() => expect(watch.sequences).toEqual([42, 43, 44]));
  stop.abort();
  expect(await watch.end).toBeNull();
  await soon(() => expect(service.watches.size).toBe(0));
});

test('a watch that its reader leaves closes the stream', async () => {
  const events = client.watchEvents(0)[Symbol.asyncIterator]();
  const first = events.next();
  await soon(() => expect(service.watches.size).toBe(1));
  service.emit(testEvent(1));
  expect(await first).toMatchObject({ value: { sequence: 1 } });
  await events.return?.();
  await soon(() => expect(service.watches.size).toBe(0));
});

test('a watch ends with a problem that a new try cannot mend', async () => {
  const agent = await cluster.issue('agent', 'node-1');
  const forbidden = collect(openAs(agent).watchEvents(0));
  expect(await forbidden.end).toMatchObject({ code: 'E_FORBIDDEN' });
  const foreign = await makeTestCluster();
  const stranger = await foreign.issue('admin', 'root');
  expect(await collect(openAs(stranger).watchEvents(0)).end).toMatchObject({
    code: 'E_CERTIFICATE',
  });
});
