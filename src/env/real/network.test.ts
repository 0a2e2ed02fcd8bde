import { connect as connectHttp2 } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { secureContextOptions } from '../../pki/tls.ts';
import { networkWithoutCredentials, realNetwork } from './network.ts';
import { collect, loopback, quickLimits, until, useTestNetwork } from './test-network.ts';

const world = useTestNetwork();

test('W11: a manager of another cluster is an identity failure, and it is sent nothing', async () => {
  const other = await world.foreign.issue('manager', 'mgr-1');
  const { listener, accepted } = await world.listen(world.networkOf(other));
  const result = await world.dial(world.networkOf(world.agent), listener);
  expect(result).toMatchObject({ kind: 'failed', because: 'identity' });
  expect(result).toMatchObject({
    detail: expect.stringMatching(/not issued by the authority of this cluster/),
  });
  expect(accepted).toHaveLength(0);
});

test('an agent of another cluster gets no channel and is told why', async () => {
  const { listener, accepted } = await world.listen(world.networkOf(world.manager));
  const stranger = await world.foreign.issue('agent', 'node-1');
  // It trusts us, we do not trust it.
  const trusting = { ...stranger, caPem: world.manager.caPem, clusterId: world.manager.clusterId };
  const result = await world.dial(world.networkOf(trusting), listener);
  expect(result).toMatchObject({
    because: 'identity',
    detail: expect.stringMatching(
      /^the peer does not accept our certificate: it was not issued by/,
    ),
  });
  expect(accepted).toHaveLength(0);
});

test('an agent is not taken for a manager', async () => {
  const { listener } = await world.listen(world.networkOf(world.agent));
  expect(await world.dial(world.networkOf(world.agent), listener, 'manager')).toMatchObject({
    because: 'identity',
    detail: expect.stringMatching(/that of agent node-1, where the role manager is needed/),
  });
  expect(await world.dial(world.networkOf(world.manager), listener, 'agent')).toMatchObject({
    kind: 'connected',
  });
});

test('expired certificates are refused in both directions', async () => {
  const expired = { lifetimeMs: -1000 };
  const oldManager = await world.cluster.issue('manager', 'mgr-1', expired);
  const oldAgent = await world.cluster.issue('agent', 'node-1', expired);
  const { listener } = await world.listen(world.networkOf(oldManager));
  const toOld = await world.dial(world.networkOf(world.agent), listener);
  expect(toOld).toMatchObject({ because: 'identity', detail: expect.stringMatching(/expired at/) });
  const fresh = await world.listen(world.networkOf(world.manager));
  const fromOld = await world.dial(world.networkOf(oldAgent), fresh.listener);
  expect(fromOld).toMatchObject({
    because: 'identity',
    detail: expect.stringMatching(/not accept our .* expired at/),
  });
});

test('a client without a certificate gets 403 and no channel', async () => {
  const { listener, accepted } = await world.listen(world.networkOf(world.manager));
  const { minVersion, ca } = secureContextOptions(world.agent);
  const socket = connectTls({
    ...listener.address,
    minVersion,
    ca,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  });
  const session = connectHttp2('https://kennel', { createConnection: () => socket });
  world.cleanup(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/v1/session' });
  const status = await new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers[':status']));
    stream.once('error', reject);
  });
  expect(status).toBe(403);
  expect(accepted).toHaveLength(0);
});

test('another path than the session is not there', async () => {
  const { listener, accepted } = await world.listen(world.networkOf(world.manager));
  const socket = connectTls({
    ...secureContextOptions(world.agent),
    ...listener.address,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  });
  const session = connectHttp2('https://kennel', { createConnection: () => socket });
  world.cleanup(() => session.destroy());
  const stream = session.request({ ':method': 'GET', ':path': '/' });
  const status = await new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers[':status']));
    stream.once('error', reject);
  });
  expect(status).toBe(404);
  expect(accepted).toHaveLength(0);
});

test('a port where nobody listens is unreachable, a silent one after the timeout', async () => {
  const { listener } = await world.listen(world.networkOf(world.manager));
  await listener.close();
  expect(await world.dial(world.networkOf(world.agent), listener)).toMatchObject({
    because: 'unreachable',
    detail: expect.stringMatching(/ECONNREFUSED/),
  });
  const silent = createTcpServer(() => undefined);
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const held: Socket[] = [];
  silent.on('connection', (socket: Socket) => held.push(socket));
  world.cleanup(() => {
    for (const socket of held) socket.destroy();
    silent.close();
  });
  const { port } = silent.address() as AddressInfo;
  const result = await world
    .networkOf(world.agent)
    .connect({ host: '127.0.0.1', port }, { expectRole: 'manager', timeoutMs: 100 });
  expect(result).toEqual({
    kind: 'failed',
    because: 'unreachable',
    detail: 'no answer in 100 ms',
  });
});

test('an attempt ends when its caller gives up, before or during it', async () => {
  const silent = createTcpServer((socket) => world.cleanup(() => socket.destroy()));
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  world.cleanup(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const giveUp = new AbortController();
  const options = { expectRole: 'manager', timeoutMs: 10_000, signal: giveUp.signal } as const;
  silent.once('connection', () => giveUp.abort());
  const attempt = world.networkOf(world.agent).connect({ host: '127.0.0.1', port }, options);
  expect(await attempt).toMatchObject({ because: 'aborted' });
  const again = world.networkOf(world.agent).connect({ host: '127.0.0.1', port }, options);
  expect(await again).toMatchObject({ because: 'aborted' });
});

test('a peer that sends no JSON is cut off with that reason', async () => {
  const { listener, accepted } = await world.listen(world.networkOf(world.manager));
  const socket = connectTls({
    ...secureContextOptions(world.agent),
    ...listener.address,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  });
  const session = connectHttp2('https://kennel', { createConnection: () => socket });
  world.cleanup(() => session.destroy());
  const stream = session.request(
    { ':method': 'POST', ':path': '/v1/session' },
    { endStream: false },
  );
  stream.on('error', () => undefined);
  stream.write('{"fine":1}\n\n{"fine":\n');
  await until(() => accepted.length === 1);
  const [far] = accepted;
  if (far === undefined) throw new Error('nothing accepted');
  const atFar = collect(far);
  await until(() => atFar.closed.length === 1);
  expect(atFar).toEqual({
    messages: [{ fine: 1 }],
    closed: ['the peer sent a line that is not JSON'],
  });
});

test('U6: renewed credentials are used by the next connection, unusable ones are not', async () => {
  let current = world.manager;
  const network = realNetwork(() => current, { log: world.log, limits: quickLimits });
  const { listener } = await world.listen(network);
  const before = await world.connected(world.networkOf(world.agent), listener);
  current = await world.cluster.issue('manager', 'mgr-1');
  const after = await world.connected(world.networkOf(world.agent), listener);
  expect(after.peer.fingerprint).not.toBe(before.peer.fingerprint);
  const atBefore = collect(before);
  current = { ...current, keyPem: world.agent.keyPem };
  const still = await world.connected(world.networkOf(world.agent), listener);
  expect(still.peer.fingerprint).toBe(after.peer.fingerprint);
  expect(world.warnings).toEqual(['renewed credentials cannot be used, the old ones stay in use']);
  expect(atBefore.closed).toEqual([]);
});

test('an address that is taken is a problem with a name', async () => {
  const { listener } = await world.listen(world.networkOf(world.manager));
  const second = world.networkOf(world.manager).listen(listener.address, () => undefined);
  await expect(second).rejects.toMatchObject({ code: 'E_PREREQUISITE' });
});

test('a process without credentials reaches nobody and says so', async () => {
  const network = networkWithoutCredentials();
  await expect(network.listen(loopback, () => undefined)).rejects.toMatchObject({
    code: 'E_CERTIFICATE',
  });
  expect(await world.dial(network, { address: { host: '127.0.0.1', port: 1 } })).toMatchObject({
    because: 'identity',
  });
});
