import { describe, expect, test } from 'vitest';
import { domainOf, FakeAgent } from './testing/fake-agent.ts';
import { caller, identityOf, ManagerWorld, type Seed } from './testing/manager-world.ts';
import {
  fenceOperation,
  incarnationOf,
  newVm,
  nodeRecord,
  onlineNode,
  runningVm,
  uuidOf,
} from './testing/test-objects.ts';

describe('a session', () => {
  const refusal = async (
    seeds: readonly Seed[],
    hello: ConstructorParameters<typeof FakeAgent>[1],
  ): Promise<readonly string[]> => {
    const world = new ManagerWorld();
    await world.seed(...seeds);
    await world.lead();
    const agent = new FakeAgent(world, hello);
    await agent.dial();
    await world.until(() => agent.closed !== null || agent.welcomes.length > 0);
    return agent.byes;
  };

  test('of a node that never joined is refused', async () => {
    expect(await refusal([nodeRecord('node-2')], { node: 'node-1' })).toEqual([
      'node-1 is not a node of this cluster',
    ]);
  });

  test('N22: of other hardware under the same name is refused', async () => {
    const hello = { node: 'node-1', hello: { machineId: 'machine-new' } };
    expect(await refusal([nodeRecord('node-1')], hello)).toEqual([
      'node-1 is machine machine-node-1, this is machine-new',
    ]);
  });

  test('X3: with a certificate that was replaced is refused', async () => {
    const identity = { ...identityOf('agent', 'node-1'), fingerprint: 'stolen' };
    expect(await refusal([nodeRecord('node-1')], { node: 'node-1', identity })).toEqual([
      'this certificate was replaced',
    ]);
  });

  test.each([
    ['is admitted with it', [onlineNode('node-2')]],
    ['is being fenced as it', [nodeRecord('node-2'), fenceOperation(1, 'node-2')]],
    ['holds a permit by it', [nodeRecord('node-2'), runningVm(1, 'node-2')]],
  ])('X1: with an incarnation by which another node %s is refused', async (_, seeds) => {
    const hello = { node: 'node-1', incarnation: incarnationOf('node-2') };
    expect(await refusal([nodeRecord('node-1'), ...seeds], hello)).toEqual([
      'this incarnation is one of node-2',
    ]);
  });

  test('with the incarnation that it had before is let in', async () => {
    const seeds = [onlineNode('node-1'), runningVm(1, 'node-1'), fenceOperation(1, 'node-1')];
    expect(await refusal(seeds, { node: 'node-1' })).toEqual([]);
  });
});

describe('a node that connects', () => {
  test('is admitted once it answered something that was sent after it was known', async () => {
    const world = new ManagerWorld();
    await world.seed(nodeRecord('node-1'));
    await world.lead();
    const silent = await world.agent({ node: 'node-1', beats: false });
    await world.run(2000);
    expect(world.node('node-1').phase).toBe('joining');
    silent.beats = true;
    await world.until(() => world.node('node-1').phase === 'online', 3000);
    await world.until(() => silent.leases > 0, 3000);
  });

  test('is let in when three hundred do so at once', async () => {
    const world = new ManagerWorld({ latencyMs: 2 });
    const names = Array.from({ length: 300 }, (_, index) => `node-${index + 1}`);
    for (let from = 0; from < names.length; from += 250) {
      await world.seed(...names.slice(from, from + 250).map((name) => nodeRecord(name)));
    }
    await world.lead();
    const agents = names.map((node) => new FakeAgent(world, { node }));
    await world.wait(Promise.all(agents.map((agent) => agent.connect())));
    await world.until(() => agents.every((agent) => agent.leases > 0), 10_000);
    expect(world.objects('node/')).toHaveLength(300);
    expect(world.log.lines('warn')).toEqual([]);
  });

  test('gets the commands again that its last connection took with it, at once', async () => {
    const world = new ManagerWorld();
    await world.seed(nodeRecord('node-1'));
    const seat = await world.lead();
    const first = await world.agent({ node: 'node-1', obedient: false });
    await world.until(() => first.leases > 0);
    await world.ask(seat, (service) => service.createVm(newVm('db'), caller()));
    await world.until(() => first.commands.length > 0, 5000);
    first.hangUp();
    await world.run(100);
    const again = await world.agent({ node: 'node-1', obedient: false, beats: false });
    await world.run(50);
    expect(again.commands).toMatchObject([
      { kind: 'start', operation: first.commands[0]?.operation },
    ]);
  });

  test('X1: cannot release a VM of another node by answering for it', async () => {
    const world = new ManagerWorld();
    await world.seed(nodeRecord('node-1'), nodeRecord('node-2'));
    const seat = await world.lead();
    const owner = await world.agent({ node: 'node-1', obedient: false });
    const rogue = await world.agent({ node: 'node-2', obedient: false });
    await world.until(() => owner.leases > 0 && rogue.leases > 0);
    const made = newVm('db', {}, { nodes: [nodeRecord('node-1').id] });
    await world.ask(seat, (service) => service.createVm(made, caller()));
    await world.until(() => owner.commands.length > 0, 5000);
    const [start] = owner.commands;
    if (start?.kind !== 'start') throw new Error('no start');
    owner.domains?.set(start.permit.vm, domainOf('db', start.permit));
    owner.answer(start.operation, { kind: 'done' });
    owner.sayReport();
    await world.until(() => world.vm('db').phase === 'running', 5000);
    const body = { force: true, reason: null };
    await world.ask(seat, (service) => service.stopVm('db', body, caller()));
    await world.until(() => owner.commands.length > 1, 5000);
    rogue.answer(owner.commands[1]?.operation ?? '', { kind: 'done' });
    await world.run(3000);
    expect(world.vm('db')).toMatchObject({ phase: 'stopping', permit: { node: 'node-1' } });
  });
});

test('V15: a domain without a permit on an admitted node is told to stop, by the one it runs on', async () => {
  const world = new ManagerWorld();
  await world.seed(onlineNode('node-1'), onlineNode('node-2'), runningVm(1, 'node-1'));
  await world.lead();
  const vm = uuidOf(1);
  const permit = runningVm(1, 'node-1').permit;
  if (permit === null) throw new Error('no permit');
  const owner = await world.agent({ node: 'node-1', domains: [domainOf('vm-1', permit)] });
  const twin = domainOf('vm-1', permit, { permit: null });
  const other = await world.agent({ node: 'node-2', domains: [twin] });
  await world.until(() => other.commands.length > 0, 5000);
  expect(other.commands).toMatchObject([{ kind: 'release', vm }]);
  await world.run(2000);
  expect(owner.commands).toEqual([]);
});
