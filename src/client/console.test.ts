import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { startApiServer } from '../api/server/server.ts';
import { makeTestService, type TestService } from '../api/server/test-service.ts';
import { problem } from '../core/problem.ts';
import { realClock } from '../env/real/clock.ts';
import { realLog } from '../env/real/log.ts';
import { realTimers } from '../env/real/timers.ts';
import type { Credentials } from '../pki/credentials.ts';
import { makeTestCluster, type TestCluster } from '../pki/test-credentials.ts';
import { openClient, type Client } from './client.ts';

let cluster: TestCluster;
let manager: Credentials;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await makeTestCluster();
  manager = await cluster.issue('manager', 'mgr-1');
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(service: TestService): Promise<{ host: string; port: number }> {
  const server = await startApiServer({
    env: {
      clock: realClock(),
      timers: realTimers(),
      log: realLog({ level: 'silent', stream: { write: () => undefined } }),
    },
    service,
    credentials: () => manager,
    listen: { host: '127.0.0.1', port: 0 },
    unixSocket: null,
  });
  cleanups.push(() => server.close());
  return { host: '127.0.0.1', port: server.address?.port ?? 0 };
}

async function clientOf(role: 'admin' | 'agent', ...at: { host: string; port: number }[]) {
  const credentials = await cluster.issue(role, 'someone');
  const [first, ...others] = at;
  if (first === undefined) throw new Error('no target');
  const client: Client = openClient({ targets: [first, ...others], credentials });
  cleanups.push(() => client.close());
  return client;
}

const how = { force: true, readOnly: false, reason: 'curious' };

test('a console carries bytes both ways and says why it ends', async () => {
  const service = makeTestService();
  const client = await clientOf('admin', await serve(service));
  const opened = await client.consoleOfVm('db-1', how);
  if (opened.kind === 'problem') throw new Error(opened.problem.because);
  const said = text(opened.value);
  await once(opened.value, 'readable');
  opened.value.write('echo me');
  opened.value.write('!');
  expect(await said).toBe('hello\r\necho me!\r\n[console closed: it went away]\r\n');
  const [call] = service.calls.filter(({ method }) => method === 'consoleOfVm');
  expect(call?.given.slice(0, 2)).toEqual(['db-1', { force: true, readOnly: false }]);
  expect(call?.given[2]).toMatchObject({ reason: 'curious', identity: { name: 'someone' } });
});

test('a client that goes away closes the console', async () => {
  const service = makeTestService();
  const close = vi.fn<() => void>();
  service.vmStreams.console = async () => ({
    kind: 'ok',
    value: { node: 'node-1', write: () => undefined, passedOn: () => undefined, close },
  });
  const client = await clientOf('admin', await serve(service));
  const opened = await client.consoleOfVm('db-1', how);
  if (opened.kind === 'problem') throw new Error(opened.problem.because);
  opened.value.destroy();
  await vi.waitFor(() => expect(close).toHaveBeenCalled());
});

test('an agent is no administrator, and a problem comes back as it is', async () => {
  const service = makeTestService();
  const at = await serve(service);
  const agent = await clientOf('agent', at);
  expect(await agent.consoleOfVm('db-1', how)).toMatchObject({ problem: { code: 'E_FORBIDDEN' } });
  expect(service.calls).toEqual([]);
  service.vmStreams.console = async () =>
    problem({ code: 'E_CONFLICT', what: 'no', because: 'it is off', so: '', try: [] });
  const admin = await clientOf('admin', at);
  expect(await admin.consoleOfVm('db-1', how)).toMatchObject({ problem: { because: 'it is off' } });
});

test('a manager that does not lead sends the client to the one that does', async () => {
  const [follower, leader] = [makeTestService(), makeTestService()];
  const there = await serve(leader);
  follower.vmStreams.console = async () =>
    problem({ code: 'E_NOT_LEADER', what: 'no', because: 'another leads', so: '', try: [] });
  follower.leads = { name: 'mgr-2', api: `${there.host}:${there.port}`, isSelf: false };
  const client = await clientOf('admin', await serve(follower));
  const opened = await client.consoleOfVm('db-1', how);
  expect(opened.kind).toBe('ok');
  if (opened.kind === 'ok') opened.value.destroy();
  expect(leader.calls).toHaveLength(1);
});

test('a name that is none is no route, and no defect', async () => {
  const service = makeTestService();
  const { host, port } = await serve(service);
  const { certificatePem: cert, keyPem: key, caPem: ca } = await cluster.issue('admin', 'someone');
  const asked = request({
    host,
    port,
    cert,
    key,
    ca,
    path: '/v1/vms/%zz/console',
    headers: { connection: 'upgrade', upgrade: 'kennel-console' },
    // Certificates name roles, not addresses; `certificateProblem` is what checks them elsewhere.
    checkServerIdentity: () => undefined,
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(404);
  expect(JSON.parse(await text(response))).toMatchObject({ error: { code: 'E_NOT_FOUND' } });
  expect(service.calls).toEqual([]);
});
