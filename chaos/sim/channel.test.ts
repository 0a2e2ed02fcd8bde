import { expect, test } from 'vitest';
import { makeNetworkWorld, testIdentity } from './testing/network-world.ts';

const timedOut = 'the connection was lost: timed out';
const withoutAWord = 'the connection was lost: it ended without a word';

test('close delivers what was sent before it, then tells both sides once', async () => {
  const world = makeNetworkWorld();
  const { agentEnd } = await world.join();
  agentEnd.send('last words');
  agentEnd.close('done');
  agentEnd.close('again');
  agentEnd.send('too late');
  expect(world.closedAtAgent).toEqual([]);
  await world.time.runFor(100);
  expect(world.heardByManager).toEqual(['last words']);
  expect(world.closedAtAgent).toEqual(['done']);
  expect(world.closedAtManager).toEqual(['the peer closed the channel: done']);
});

test('a listener set after the end still hears of it', async () => {
  const world = makeNetworkWorld();
  const { agentEnd } = await world.join();
  agentEnd.close('done');
  await world.time.runFor(100);
  const reasons: string[] = [];
  agentEnd.onClose((reason) => reasons.push(reason));
  await world.time.runFor(1);
  expect(reasons).toEqual(['done']);
});

test('W3: a one-way cut lets the other way through until both sides give up', async () => {
  const world = makeNetworkWorld({ retransmitMs: 15_000 });
  const { agentEnd, managerEnd } = await world.join();
  world.hub.cut('a', 'm');
  agentEnd.send('unheard');
  managerEnd.send('heard');
  await world.time.runFor(1000);
  expect(world.heardByManager).toEqual([]);
  expect(world.heardByAgent).toEqual(['heard']);
  await world.time.runFor(30_000);
  expect(world.closedAtAgent).toEqual([timedOut]);
  expect(world.closedAtManager).toEqual([timedOut]);
  world.hub.heal('a', 'm');
  await world.time.runFor(20_000);
  expect(world.heardByManager).toEqual([]);
});

test('W2: a short cut delays messages, loses none and breaks nothing', async () => {
  const world = makeNetworkWorld();
  const { agentEnd, managerEnd } = await world.join();
  world.hub.cutBoth('a', 'm');
  for (const value of [1, 2, 3]) agentEnd.send(value);
  managerEnd.send('x');
  await world.time.runFor(5000);
  expect(world.heardByManager).toEqual([]);
  world.hub.healBoth('a', 'm');
  agentEnd.send(4);
  await world.time.runFor(10_000);
  expect(world.heardByManager).toEqual([1, 2, 3, 4]);
  expect(world.heardByAgent).toEqual(['x']);
  expect([...world.closedAtAgent, ...world.closedAtManager]).toEqual([]);
});

test('W8: a link that flaps faster than keepalives run out does not break channels', async () => {
  const world = makeNetworkWorld();
  const { agentEnd } = await world.join();
  for (let flap = 0; flap < 60; flap += 1) {
    world.time.schedule(flap * 2000, () => world.hub.cutBoth('a', 'm'));
    world.time.schedule(flap * 2000 + 1000, () => world.hub.healBoth('a', 'm'));
    world.time.schedule(flap * 2000 + 500, () => agentEnd.send(flap));
  }
  await world.time.runFor(140_000);
  expect(world.heardByManager).toHaveLength(60);
  expect([...world.closedAtAgent, ...world.closedAtManager]).toEqual([]);
});

test('W17: words of a closed channel arrive after those of the channel that replaced it', async () => {
  const world = makeNetworkWorld();
  const { managerEnd } = await world.join();
  const heard: unknown[] = [];
  world.hub.freeze('a');
  managerEnd.send('old command');
  await world.time.runFor(100);
  managerEnd.close('giving up on this session');
  world.hub.thaw('a');
  const other = world.seat('a', testIdentity('agent', 'a'));
  await other.network.listen({ host: 'a', port: 9000 }, (channel) =>
    channel.onMessage((message) => heard.push(message)),
  );
  world.agent.process.pause('stopped');
  const result = world.manager.network.connect(
    { host: 'a', port: 9000 },
    { expectRole: 'agent', timeoutMs: 5000 },
  );
  await world.time.runFor(1000);
  const connected = await result;
  if (connected.kind === 'failed') throw new Error(connected.detail);
  connected.channel.send('new command');
  await world.time.runFor(1000);
  expect([heard, world.heardByAgent]).toEqual([['new command'], []]);
  world.agent.process.resume('stopped');
  await world.time.runFor(1000);
  expect(world.heardByAgent).toEqual(['old command']);
  expect(world.closedAtAgent).toEqual(['the peer closed the channel: giving up on this session']);
});

test('N1: after a power loss the peer hears nothing until its keepalive runs out', async () => {
  const world = makeNetworkWorld();
  await world.join();
  world.agent.process.kill('powerLoss');
  world.hub.powerLoss('a');
  await world.time.runFor(19_000);
  expect(world.closedAtManager).toEqual([]);
  await world.time.runFor(6000);
  expect(world.closedAtManager).toEqual([timedOut]);
});

test('N1: a peer that goes on sending to a dead host is not told for a quarter of an hour', async () => {
  const world = makeNetworkWorld();
  const { managerEnd } = await world.join();
  world.agent.process.kill('powerLoss');
  world.hub.powerLoss('a');
  managerEnd.send('are you there?');
  await world.time.runFor(900_000);
  expect(world.closedAtManager).toEqual([]);
  await world.time.runFor(200_000);
  expect(world.closedAtManager).toEqual([timedOut]);
});

test('N8: a host that is back with a new kernel answers old connections with a reset', async () => {
  const world = makeNetworkWorld();
  const { managerEnd } = await world.join();
  world.agent.process.kill('powerLoss');
  world.hub.powerLoss('a');
  await world.time.runFor(1000);
  world.hub.powerUp('a');
  managerEnd.send('still there?');
  await world.time.runFor(100);
  expect(world.closedAtManager).toEqual(['the connection was lost: reset by peer']);
  expect(world.heardByAgent).toEqual([]);
});

test('N9: a crashed process is heard of at once, with a prefix of its last words', async () => {
  const prefixes = new Set<number>();
  for (let seed = 0; seed < 40; seed += 1) {
    const world = makeNetworkWorld({}, seed);
    const { agentEnd } = await world.join();
    const sent = [0, 1, 2, 3];
    for (const value of sent) agentEnd.send(value);
    world.agent.process.kill('crash');
    await world.time.runFor(100);
    expect(world.heardByManager).toEqual(sent.slice(0, world.heardByManager.length));
    expect(world.closedAtManager).toEqual([withoutAWord]);
    expect(world.closedAtAgent).toEqual([]);
    prefixes.add(world.heardByManager.length);
  }
  expect(prefixes.size).toBe(5);
});

test('N7: a frozen host hears what reached it when it thaws, long after the sender gave up', async () => {
  const world = makeNetworkWorld({ retransmitMs: 15_000 });
  const { managerEnd } = await world.join();
  world.hub.freeze('a');
  world.agent.process.pause('host');
  managerEnd.send('start the VM');
  await world.time.runFor(30_000);
  expect(world.heardByAgent).toEqual([]);
  expect(world.closedAtManager).toEqual([timedOut]);
  world.hub.thaw('a');
  world.agent.process.resume('host');
  await world.time.runFor(30_000);
  expect(world.heardByAgent).toEqual(['start the VM']);
  expect(world.closedAtAgent).toEqual([withoutAWord]);
});

test('messages of one turn often arrive in one turn, with no microtask in between', async () => {
  const together = new Set<number>();
  for (let seed = 0; seed < 20; seed += 1) {
    const world = makeNetworkWorld({}, seed);
    const { agentEnd, managerEnd } = await world.join();
    const turns = new Map<number, number>();
    managerEnd.onMessage(() => {
      const turn = world.time.executed;
      turns.set(turn, (turns.get(turn) ?? 0) + 1);
    });
    for (const value of [1, 2, 3]) agentEnd.send(value);
    await world.time.runFor(100);
    for (const count of turns.values()) together.add(count);
  }
  expect(together).toEqual(new Set([1, 2, 3]));
});

test('a listener that is closed closes the channels it accepted', async () => {
  const world = makeNetworkWorld();
  const listener = await world.manager.network.listen({ host: 'm', port: 7001 }, (channel) =>
    channel.onClose((reason) => world.closedAtManager.push(reason)),
  );
  const connecting = world.agent.network.connect(
    { host: 'm', port: 7001 },
    { expectRole: 'manager', timeoutMs: 5000 },
  );
  await world.time.runFor(100);
  const connected = await connecting;
  if (connected.kind === 'failed') throw new Error(connected.detail);
  connected.channel.onClose((reason) => world.closedAtAgent.push(reason));
  await listener.close();
  await world.time.runFor(100);
  expect(world.closedAtManager).toEqual(['the listener was closed']);
  expect(world.closedAtAgent).toEqual(['the peer closed the channel: the listener was closed']);
});

test('a channel whose peer takes nothing closes when its queue is over its bound', async () => {
  const world = makeNetworkWorld({ queueLimit: 10 });
  const { agentEnd } = await world.join();
  world.hub.cut('a', 'm');
  for (let value = 0; value < 11; value += 1) agentEnd.send(value);
  await world.time.runFor(10);
  expect(world.closedAtAgent).toEqual(['send queue over its bound']);
});

test('a client that died during the handshake leaves no channel open at the server', async () => {
  for (let afterUs = 0; afterUs < 3000; afterUs += 100) {
    const world = makeNetworkWorld({}, afterUs);
    let open = 0;
    await world.manager.network.listen({ host: 'm', port: 7000 }, (channel) => {
      open += 1;
      channel.onClose(() => (open -= 1));
    });
    void world.agent.network.connect(
      { host: 'm', port: 7000 },
      { expectRole: 'manager', timeoutMs: 5000 },
    );
    await world.time.runFor(afterUs / 1000);
    world.agent.process.kill('crash');
    await world.time.runFor(30_000);
    expect(open).toBe(0);
  }
});
