import { expect, test } from 'vitest';
import type { ConnectResult } from '../../src/env/network.ts';
import { lanProfile } from './link.ts';
import { makeNetworkWorld, testIdentity } from './testing/network-world.ts';
import type { NetworkWorld, Seat } from './testing/network-world.ts';

async function connectFrom(
  world: NetworkWorld,
  seat: Seat,
  patch: {
    readonly port?: number;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<{ readonly result: ConnectResult; readonly afterMs: number }> {
  const fromMs = world.time.nowMs;
  let outcome: ConnectResult | null = null;
  const { signal } = patch;
  void seat.network
    .connect(
      { host: 'm', port: patch.port ?? 7000 },
      {
        expectRole: 'manager',
        timeoutMs: patch.timeoutMs ?? 5000,
        ...(signal === undefined ? {} : { signal }),
      },
    )
    .then((result) => (outcome = result));
  await world.time.runUntil(() => outcome !== null, 60_000);
  if (outcome === null) throw new Error('connect never ended');
  return { result: outcome, afterMs: world.time.nowMs - fromMs };
}

test('both ends learn who the other is, and messages keep their order both ways', async () => {
  const world = makeNetworkWorld();
  const { agentEnd, managerEnd } = await world.join();
  expect(agentEnd.peer).toMatchObject({ role: 'manager', name: 'm' });
  expect(managerEnd.peer).toMatchObject({ role: 'agent', name: 'a' });
  const sent = Array.from({ length: 200 }, (_, index) => index);
  for (const value of sent) {
    agentEnd.send(value);
    managerEnd.send(-value);
  }
  await world.time.runFor(1000);
  expect(world.heardByManager).toEqual(sent);
  expect(world.heardByAgent).toEqual(sent.map((value) => -value));
});

test('messages sent before anybody listens are kept', async () => {
  const world = makeNetworkWorld();
  await world.manager.network.listen({ host: 'm', port: 7001 }, (channel) => {
    channel.send('welcome');
    channel.send('and more');
  });
  const { result } = await connectFrom(world, world.agent, { port: 7001 });
  if (result.kind === 'failed') throw new Error(result.detail);
  await world.time.runFor(100);
  const heard: unknown[] = [];
  result.channel.onMessage((message) => heard.push(message));
  expect(heard).toEqual([]);
  await world.time.runFor(1);
  expect(heard).toEqual(['welcome', 'and more']);
});

test('a message that either side changes after sending throws in tests', async () => {
  const world = makeNetworkWorld({ isolation: 'freeze' });
  const { agentEnd } = await world.join();
  const message = { nested: { value: 1 } };
  agentEnd.send(message);
  expect(() => {
    message.nested.value = 2;
  }).toThrow(TypeError);
});

test('a message as on a wire loses what JSON cannot carry', async () => {
  const world = makeNetworkWorld({ isolation: 'json' });
  const { agentEnd } = await world.join();
  const message = { value: 1, absent: undefined };
  agentEnd.send(message);
  message.value = 2;
  await world.time.runFor(100);
  expect(world.heardByManager).toStrictEqual([{ value: 1 }]);
});

test('a port that nobody listens on refuses within a round trip', async () => {
  const world = makeNetworkWorld();
  const { result, afterMs } = await connectFrom(world, world.agent, { port: 7999 });
  expect(result).toMatchObject({ kind: 'failed', because: 'unreachable' });
  expect(afterMs).toBeLessThan(100);
});

test('a dead, a frozen and a cut host are silence until the deadline', async () => {
  const spoil: ((world: NetworkWorld) => void)[] = [
    (world) => world.hub.powerLoss('m'),
    (world) => world.hub.freeze('m'),
    (world) => world.hub.cut('a', 'm'),
    (world) => world.hub.cut('m', 'a'),
    (world) => world.manager.process.pause('stopped'),
  ];
  for (const spoilIt of spoil) {
    const world = makeNetworkWorld();
    await world.join();
    spoilIt(world);
    const { result, afterMs } = await connectFrom(world, world.agent, { timeoutMs: 5000 });
    expect(result).toMatchObject({ kind: 'failed', because: 'unreachable' });
    expect(afterMs).toBe(5000);
  }
});

test('a connect goes through when the cut heals before its deadline', async () => {
  const world = makeNetworkWorld();
  await world.join();
  world.hub.cutBoth('a', 'm');
  world.time.schedule(2000, () => world.hub.healBoth('a', 'm'));
  const { result, afterMs } = await connectFrom(world, world.agent, { timeoutMs: 10_000 });
  expect(result.kind).toBe('connected');
  expect(afterMs).toBeGreaterThan(2000);
  expect(afterMs).toBeLessThan(5000);
});

test('an aborted connect ends at once', async () => {
  const world = makeNetworkWorld();
  world.hub.powerLoss('m');
  const abort = new AbortController();
  world.time.schedule(300, () => abort.abort());
  const { result, afterMs } = await connectFrom(world, world.agent, { signal: abort.signal });
  expect(result).toMatchObject({ kind: 'failed', because: 'aborted' });
  expect(afterMs).toBe(300);
});

test('W11: the wrong cluster or role behind an address is an identity failure', async () => {
  const world = makeNetworkWorld();
  await world.join();
  const stranger = world.seat('x', { ...testIdentity('agent', 'x'), clusterId: 'other' });
  expect((await connectFrom(world, stranger)).result).toMatchObject({ because: 'identity' });
  const impostor = world.seat('m', testIdentity('agent', 'm'));
  await impostor.network.listen({ host: 'm', port: 7002 }, () => {});
  const { result } = await connectFrom(world, world.agent, { port: 7002 });
  expect(result).toMatchObject({ because: 'identity' });
});

test('an address in use is refused, and free again once its process is dead', async () => {
  const world = makeNetworkWorld();
  await world.join();
  const second = world.seat('m', testIdentity('manager', 'm'));
  await expect(second.network.listen({ host: 'm', port: 7000 }, () => {})).rejects.toThrow(
    'address in use: m:7000',
  );
  world.manager.process.kill('crash');
  const listener = await second.network.listen({ host: 'm', port: 7000 }, () => {});
  expect((await connectFrom(world, world.agent)).result.kind).toBe('connected');
  await listener.close();
  expect((await connectFrom(world, world.agent)).result.kind).toBe('failed');
});

test('W9: with 30 % loss messages come late, in order, without a gap', async () => {
  const world = makeNetworkWorld();
  const { agentEnd } = await world.join();
  world.hub.setEveryProfile({ ...lanProfile, loss: 0.3 });
  const sent = Array.from({ length: 300 }, (_, index) => index);
  for (const value of sent) agentEnd.send(value);
  await world.time.runFor(100);
  expect(world.heardByManager.length).toBeLessThan(300);
  await world.time.runFor(120_000);
  expect(world.heardByManager).toEqual(sent);
});

test('a link that loses everything breaks the channel; what came is a prefix', async () => {
  const world = makeNetworkWorld({ retransmitMs: 15_000 });
  const { agentEnd } = await world.join();
  agentEnd.send('before');
  await world.time.runFor(100);
  world.hub.setProfile('a', 'm', { ...lanProfile, loss: 1 });
  agentEnd.send('lost');
  world.hub.setProfile('a', 'm', lanProfile);
  agentEnd.send('after');
  await world.time.runFor(60_000);
  expect(world.heardByManager).toEqual(['before']);
  expect(world.closedAtAgent).toEqual(['the connection was lost: timed out']);
  expect(world.closedAtManager).toHaveLength(1);
});
