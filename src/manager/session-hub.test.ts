import { describe, expect, test } from 'vitest';
import { nodeId, operationId, token, vmId, type OperationId } from '../core/model/ids.ts';
import { profiles } from '../core/model/settings.ts';
import type { AddressedCommand } from '../core/plan.ts';
import type { JsonValue, MessageChannel } from '../env/network.ts';
import { FakeAgent } from './testing/fake-agent.ts';
import { FakeLeading, hubBench } from './testing/hub-bench.ts';
import { identityOf } from './testing/manager-world.ts';
import { incarnationOf, uuidOf, vmSpec } from './testing/test-objects.ts';

const node = nodeId('node-1');
const incarnation = incarnationOf('node-1');

const release = (operation: string, change: Partial<AddressedCommand> = {}): AddressedCommand => ({
  node,
  incarnation: incarnation.id,
  command: {
    kind: 'release',
    operation: operationId(operation),
    vm: vmId(uuidOf(1)),
    incarnation: incarnation.id,
    token: token(1),
    graceMs: 0,
  },
  ...change,
});

const outcomeOf = (it: Awaited<ReturnType<typeof hubBench>>, operation: string) =>
  it.observe().commands.get(operationId(operation))?.outcome ?? null;

/** A channel that delivers what a test says, also after it was closed. */
function deafChannel(name: string) {
  let onMessage: (message: JsonValue) => void = () => {};
  let onClose: (reason: string) => void = () => {};
  const channel: MessageChannel = {
    peer: identityOf('agent', name),
    send: () => {},
    close: () => {},
    onMessage: (listener) => {
      onMessage = listener;
    },
    onClose: (listener) => {
      onClose = listener;
    },
  };
  const deliver = (message: unknown): void =>
    onMessage(JSON.parse(JSON.stringify(message)) as JsonValue);
  return { ...channel, deliver, end: (reason: string): void => onClose(reason) };
}

describe('a second session of a node', () => {
  test('replaces the first, which is told why', async () => {
    const it = await hubBench();
    const first = await it.dial({ node: 'node-1' });
    const { bootId } = incarnationOf('node-1', 1);
    const restarted = { ...incarnationOf('node-1', 2), bootId };
    const second = await it.dial({ node: 'node-1', incarnation: restarted });
    await it.world.until(() => first.closed !== null);
    expect(first.byes).toEqual(['replaced by a newer connection']);
    await it.world.run(2000);
    expect(second.closed).toBeNull();
    expect(it.book.node(node)).toMatchObject({ sessionOpen: true, incarnation: restarted });
  });

  test('N23: of another boot is refused while the first is heard, and taken when it is not', async () => {
    const it = await hubBench();
    const first = await it.dial({ node: 'node-1' });
    await it.world.run(2000);
    const other = { node: 'node-1', incarnation: incarnationOf('node-1', 2) };
    const copy = await it.dial(other);
    expect(copy.welcomes).toEqual([]);
    expect(copy.byes.join()).toContain('is heard now');
    expect(it.book.node(node)).toMatchObject({ rival: { times: 1 } });
    expect(first.closed).toBeNull();
    first.hangUp();
    await it.world.run(500);
    const next = await it.dial(other);
    expect(next.welcomes).toHaveLength(1);
  });

  test('is not disturbed by what the first still says or by its end', async () => {
    const it = await hubBench();
    const first = await it.dial({ node: 'node-1', beats: false });
    const second = await it.dial({ node: 'node-1', beats: false, obedient: false });
    it.hub.send(7, [release('a')]);
    first.say({ kind: 'result', operation: 'a', outcome: { kind: 'done' } });
    first.domains = null;
    first.sayReport();
    first.heartbeat(null);
    first.hangUp();
    await it.world.run(1000);
    expect(outcomeOf(it, 'a')).toBeNull();
    expect(second.commands).toHaveLength(1);
    expect(it.book.node(node)).toMatchObject({ sessionOpen: true, report: { hypervisor: 'ok' } });
  });

  test('is alone heard, even should the channel of the first go on delivering', async () => {
    const it = await hubBench();
    const channels = [deafChannel('node-1'), deafChannel('node-1')] as const;
    const agent = new FakeAgent(it.world, { node: 'node-1' });
    for (const channel of channels) {
      it.hub.accept(channel);
      channel.deliver(agent.hello());
    }
    it.hub.send(7, [release('a')]);
    const [first, second] = channels;
    const unreachable = { ...agent.report(), hypervisor: 'unreachable', domains: null };
    const before = it.book.node(node);
    await it.world.run(1000);
    first.deliver({ kind: 'heartbeat', sequence: 1, sentAtMs: 0, acknowledged: null });
    first.deliver({ kind: 'report', report: unreachable });
    first.deliver({ kind: 'result', operation: 'a', outcome: { kind: 'done' } });
    first.end('late');
    expect(it.book.node(node)).toEqual(before);
    expect(outcomeOf(it, 'a')).toBeNull();
    second.deliver({ kind: 'result', operation: 'a', outcome: { kind: 'done' } });
    expect(outcomeOf(it, 'a')).toEqual({ kind: 'done' });
  });

  test('of another node replaces nothing', async () => {
    const it = await hubBench();
    const first = await it.dial({ node: 'node-1' });
    await it.dial({ node: 'node-2' });
    await it.world.run(1000);
    expect(first.closed).toBeNull();
  });
});

describe('heartbeats', () => {
  test('are acknowledged without a lease while this manager does not lead', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    await it.world.run(1200);
    expect(agent.acks.length).toBeGreaterThan(2);
    expect(agent.acks.every((ack) => !ack.lease && ack.epoch === 0)).toBe(true);
  });

  test('are handed to the leadership, which answers with its epoch', async () => {
    const it = await hubBench();
    const leading = new FakeLeading();
    it.hub.lead(leading);
    const agent = await it.dial({ node: 'node-1' });
    await it.world.run(600);
    expect(leading.heartbeats[0]).toMatchObject({ node, incarnation });
    expect(agent.acks[0]).toMatchObject({ epoch: 7, lease: true, incarnation: incarnation.id });
  });

  test('are not handed on after the leadership ended', async () => {
    const it = await hubBench();
    const leading = new FakeLeading();
    it.hub.lead(leading);
    const agent = await it.dial({ node: 'node-1' });
    await it.world.run(600);
    it.hub.lead(null);
    const before = leading.heartbeats.length;
    await it.world.run(1000);
    expect(leading.heartbeats).toHaveLength(before);
    expect(agent.acks.at(-1)).toMatchObject({ lease: false, epoch: 0 });
  });

  test('lead to a decision only when they matter', async () => {
    const it = await hubBench();
    const leading = new FakeLeading();
    it.hub.lead(leading);
    await it.dial({ node: 'node-1' });
    const before = leading.observations;
    await it.world.run(1000);
    expect(leading.observations).toBe(before);
    leading.matters = true;
    await it.world.run(1000);
    expect(leading.observations).toBe(before + 2);
  });
});

describe('commands', () => {
  test('go to the incarnation that is connected, one message per node', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', obedient: false });
    const elsewhere = await it.dial({ node: 'node-2', obedient: false });
    it.hub.send(7, [release('a'), release('b')]);
    await it.world.run(10);
    expect(agent.batches).toMatchObject([
      { epoch: 7, incarnation: incarnation.id, commands: [{ operation: 'a' }, { operation: 'b' }] },
    ]);
    expect(elsewhere.batches).toEqual([]);
    expect(it.observe().commands.size).toBe(2);
  });

  test('for another incarnation, or a node that is away, are not sent and not noted as sent', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', obedient: false });
    const old = incarnationOf('node-1', 1, 9).id;
    it.hub.send(7, [release('a', { incarnation: old }), release('b', { node: nodeId('node-9') })]);
    await it.world.run(10);
    expect(agent.batches).toEqual([]);
    expect(it.observe().commands.size).toBe(0);
  });

  test('are cut into messages that the wire takes', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', obedient: false });
    it.hub.send(
      7,
      Array.from({ length: 600 }, (_, index) => release(`op-${index}`)),
    );
    await it.world.run(10);
    expect(agent.batches.map((batch) => batch.commands.length)).toEqual([256, 256, 88]);
  });

  test('that a decision at the hello calls for reach the session that said it', async () => {
    const it = await hubBench();
    const leading = new FakeLeading();
    leading.onObserved = () => it.hub.send(7, [release('a')]);
    it.hub.lead(leading);
    const agent = await it.dial({ node: 'node-1', obedient: false });
    await it.world.run(10);
    expect(agent.commands).toMatchObject([{ operation: 'a' }]);
  });

  test('end by the result of the node they were sent to, and that is observed', async () => {
    const it = await hubBench();
    const leading = new FakeLeading();
    it.hub.lead(leading);
    const agent = await it.dial({ node: 'node-1', obedient: false });
    it.hub.send(7, [release('a')]);
    const before = leading.observations;
    agent.answer('a', { kind: 'failed', code: 'BUSY', detail: 'later' });
    await it.world.run(10);
    expect(outcomeOf(it, 'a')).toMatchObject({ kind: 'failed', code: 'BUSY' });
    expect(leading.observations).toBe(before + 1);
  });

  test('X1: do not end by the word of another node, even one that claims the incarnation', async () => {
    const it = await hubBench();
    await it.dial({ node: 'node-1', obedient: false });
    const rogue = await it.dial({ node: 'node-2', incarnation });
    it.hub.send(7, [release('release/vm/1/now')]);
    rogue.answer('release/vm/1/now', { kind: 'done' });
    await it.world.run(10);
    expect(outcomeOf(it, 'release/vm/1/now')).toBeNull();
  });

  test('carry the whole permit and spec', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', obedient: false });
    const permit = { vm: vmId(uuidOf(1)), node, incarnation: incarnation.id, token: token(3) };
    const operation = operationId('start/1');
    const spec = vmSpec('db');
    const command = { kind: 'start', operation, permit, spec } as const;
    it.hub.send(7, [{ node, incarnation: incarnation.id, command }]);
    await it.world.run(10);
    expect(agent.commands).toEqual([{ kind: 'start', operation, permit, spec }]);
  });
});

describe('an inspection', () => {
  const ask = (it: Awaited<ReturnType<typeof hubBench>>, operation: OperationId) =>
    it.hub.inspect(node, 7, { operation, vm: uuidOf(1), timeoutMs: 15_000 });
  const operation = operationId('inspect/1');

  test('is answered with the XML', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    agent.xml = '<domain/>';
    expect(await it.world.wait(ask(it, operation))).toEqual({ xml: '<domain/>', detail: '' });
  });

  test('of a node that is not connected is answered at once', async () => {
    const it = await hubBench();
    expect(await ask(it, operation)).toEqual({ xml: null, detail: 'node-1 is not connected' });
  });

  test('ends when no answer comes in time', async () => {
    const it = await hubBench();
    await it.dial({ node: 'node-1', obedient: false });
    const asked = it.world.clock.monotonicMs();
    expect(await it.world.wait(ask(it, operation))).toEqual({
      xml: null,
      detail: 'no answer in time',
    });
    expect(it.world.clock.monotonicMs() - asked).toBeCloseTo(15_000, -1);
  });

  test('ends with the session, and leaves no timer behind', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', obedient: false });
    const asked = ask(it, operation);
    agent.hangUp();
    const askedMs = it.world.clock.monotonicMs();
    expect(await it.world.wait(asked)).toEqual({ xml: null, detail: 'node-1 went away' });
    expect(it.world.clock.monotonicMs() - askedMs).toBeLessThan(1000);
  });

  test('X1: is not answered by another node', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', obedient: false });
    const rogue = await it.dial({ node: 'node-2' });
    const asked = ask(it, operation);
    rogue.say({ kind: 'xml', operation, xml: '<mine/>', detail: '' });
    await it.world.run(10);
    agent.say({ kind: 'xml', operation, xml: '<its/>', detail: '' });
    expect(await it.world.wait(asked)).toMatchObject({ xml: '<its/>' });
  });
});

describe('when a leadership begins', () => {
  test('N22: sessions that its records do not admit are closed with the reason', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    const leading = new FakeLeading();
    leading.refusal = 'this certificate was replaced';
    it.hub.lead(leading);
    await it.world.until(() => agent.closed !== null);
    expect(agent.byes).toEqual(['this certificate was replaced']);
  });

  test('sessions that were welcomed with other times come back for the right ones', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    it.setTiming(profiles.fast);
    it.hub.lead(new FakeLeading());
    await it.world.until(() => agent.closed !== null);
    expect(agent.byes).toEqual(['the times have changed']);
    const again = await it.dial({ node: 'node-1' });
    expect(again.welcomes).toMatchObject([{ heartbeatMs: 250 }]);
  });

  test('other sessions go on', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    it.hub.lead(new FakeLeading());
    await it.world.run(2000);
    expect(agent.closed).toBeNull();
  });
});

describe('the end of a session', () => {
  test('is observed', async () => {
    const it = await hubBench();
    const leading = new FakeLeading();
    it.hub.lead(leading);
    const agent = await it.dial({ node: 'node-1' });
    const before = leading.observations;
    agent.hangUp();
    await it.world.run(100);
    expect(it.book.node(node).sessionOpen).toBe(false);
    expect(leading.observations).toBe(before + 1);
  });

  test('comes when the node is removed', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    it.hub.disconnect(node, 'this node was removed');
    await it.world.until(() => agent.closed !== null);
    expect(agent.byes).toEqual(['this node was removed']);
  });

  test('comes for all when the manager stops, also for those that have not said hello', async () => {
    const it = await hubBench();
    const greeted = await it.dial({ node: 'node-1' });
    const silent = new FakeAgent(it.world, { node: 'node-2' });
    await silent.dial({ hello: false });
    await it.world.run(10);
    it.hub.closeAll('this manager stops');
    await it.world.until(() => greeted.closed !== null && silent.closed !== null);
    expect([greeted.byes, silent.byes]).toEqual([['this manager stops'], ['this manager stops']]);
  });
});
