import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { realNetwork } from './network.ts';
import { collect, quickLimits, until, useTestNetwork } from './test-network.ts';

const world = useTestNetwork();

async function pair(limits = quickLimits) {
  const near = realNetwork(() => world.agent, { log: world.log, limits });
  const far = realNetwork(() => world.manager, { log: world.log, limits });
  const { listener, accepted } = await world.listen(far);
  const channel = await world.connected(near, listener);
  await until(() => accepted.length === 1);
  const [other] = accepted;
  if (other === undefined) throw new Error('nothing accepted');
  return { near: channel, far: other };
}

test('messages go both ways in order, and each side knows who the other is', async () => {
  const { near, far } = await pair();
  expect(near.peer).toMatchObject({
    role: 'manager',
    name: 'mgr-1',
    clusterId: world.cluster.clusterId,
  });
  expect(far.peer).toMatchObject({ role: 'agent', name: 'node-1' });
  expect(far.peer.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  const atNear = collect(near);
  const atFar = collect(far);
  for (let index = 0; index < 50; index += 1) {
    near.send({ kind: 'up', index });
    far.send({ kind: 'down', index, text: 'zwölf\nlines' });
  }
  await until(() => atNear.messages.length === 50 && atFar.messages.length === 50);
  expect(atFar.messages[49]).toEqual({ kind: 'up', index: 49 });
  expect(atNear.messages.map((message) => (message as { index: number }).index)).toEqual(
    Array.from({ length: 50 }, (_unused, index) => index),
  );
});

test('messages that arrive before there is a listener are kept for it', async () => {
  const { near, far } = await pair();
  near.send(1);
  near.send(2);
  far.send('answer');
  const atNear = collect(near);
  await until(() => atNear.messages.length === 1);
  const atFar = collect(far);
  await until(() => atFar.messages.length === 2);
  expect(atFar.messages).toEqual([1, 2]);
});

test('a message of 8 MiB arrives whole, one above the bound closes the channel', async () => {
  const { near, far } = await pair();
  const atFar = collect(far);
  const atNear = collect(near);
  const text = 'ä'.repeat(4 * 1024 * 1024 - 1);
  near.send(text);
  near.send('after it');
  await until(() => atFar.messages.length === 2);
  expect(atFar.messages[0]).toBe(text);
  near.send(`${text}xx`);
  await until(() => atNear.closed.length === 1 && atFar.closed.length === 1);
  expect(atNear.closed[0]).toMatch(/a message of \d+ bytes is over 8388608/);
  expect(atFar.messages).toHaveLength(2);
});

test('a hundred channels live side by side', async () => {
  const { listener, accepted } = await world.listen(world.networkOf(world.manager));
  const network = world.networkOf(world.agent);
  const channels = await Promise.all(
    Array.from({ length: 100 }, () => world.connected(network, listener)),
  );
  await until(() => accepted.length === 100);
  for (const channel of accepted) channel.onMessage((message) => channel.send(message));
  const seen = channels.map(collect);
  for (const [index, channel] of channels.entries()) channel.send({ index });
  await until(() => seen.every((one) => one.messages.length === 1));
  expect(seen.map((one) => one.messages[0])).toEqual(channels.map((_unused, index) => ({ index })));
});

test('the reason of a close reaches the other side, once, after what was sent before', async () => {
  const { near, far } = await pair();
  const atNear = collect(near);
  const atFar = collect(far);
  near.send('last words');
  near.close('going down for maintenance');
  near.close('a second time');
  near.send('never sent');
  await until(() => atNear.closed.length === 1 && atFar.closed.length === 1);
  expect(atNear.closed).toEqual(['going down for maintenance']);
  expect(atFar.closed).toEqual(['the peer closed the channel: going down for maintenance']);
  expect(atFar.messages).toEqual(['last words']);
});

test('a listener that is set after the end still learns of it', async () => {
  const { near, far } = await pair();
  near.close('early');
  const late: string[] = [];
  near.onClose((reason) => late.push(reason));
  await until(() => late.length === 1);
  far.onClose((reason) => late.push(reason));
  await until(() => late.length === 2);
  expect(late).toEqual(['early', 'the peer closed the channel: early']);
});

test('a peer that does not read is cut off when the queue is over its bound', async () => {
  const { near, far } = await pair({ ...quickLimits, maxQueuedBytes: 1024 * 1024 });
  const closed: string[] = [];
  near.onClose((reason) => closed.push(reason));
  const megabyte = 'x'.repeat(512 * 1024);
  for (let sent = 0; sent < 64 && closed.length === 0; sent += 1) {
    near.send(megabyte);
    await Promise.resolve();
  }
  await until(() => closed.length === 1);
  expect(closed[0]).toMatch(/the peer does not read: \d+ bytes wait to be sent/);
  const atFar = collect(far);
  await until(() => atFar.closed.length === 1);
});

test('a half-open channel is closed at once here, and soon for good', async () => {
  const { listener } = await world.listen(world.networkOf(world.manager));
  const proxied: Socket[] = [];
  const proxy = createServer((client) => {
    const upstream = createConnection(listener.address);
    proxied.push(client, upstream);
    client.on('error', () => undefined).pipe(upstream);
    upstream.on('error', () => undefined).pipe(client);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  world.cleanup(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const result = await world.dial(world.networkOf(world.agent), {
    address: { host: '127.0.0.1', port },
  });
  if (result.kind === 'failed') throw new Error(result.detail);
  // From here on nothing passes in either direction, and nobody is told.
  for (const socket of proxied) socket.unpipe().pause();
  const { channel } = result;
  channel.send({ kind: 'heartbeat' });
  const closed: string[] = [];
  channel.onClose((reason) => closed.push(reason));
  channel.close('no answer');
  await Promise.resolve();
  expect(closed).toEqual(['no answer']);
  const [client] = proxied;
  client?.resume();
  await until(() => client?.readableEnded === true || client?.destroyed === true);
  for (const socket of proxied) socket.destroy();
});

test('a lost connection closes both channels', async () => {
  const { listener, accepted } = await world.listen(world.networkOf(world.manager));
  const near = await world.connected(world.networkOf(world.agent), listener);
  await until(() => accepted.length === 1);
  const atNear = collect(near);
  await listener.close();
  await until(() => atNear.closed.length === 1);
  expect(atNear.closed[0]).toBe('the peer closed the channel: the listener was closed');
  expect(await world.dial(world.networkOf(world.agent), listener)).toMatchObject({
    because: 'unreachable',
  });
});
