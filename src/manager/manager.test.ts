import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../core/model/settings.ts';
import { StoreUnavailable, type Store } from '../store/store.ts';
import { domainOf, FakeAgent } from './testing/fake-agent.ts';
import {
  caller,
  ManagerWorld,
  sessionPort,
  type ManagerSeat,
  identityOf,
} from './testing/manager-world.ts';
import { newVm, nodeRecord, onlineNode, runningVm, vmRecord } from './testing/test-objects.ts';

const leaders = (...seats: readonly ManagerSeat[]): readonly string[] =>
  seats.filter((seat) => seat.manager.isLeading()).map((seat) => seat.name);

describe('a manager', () => {
  test('leads, and campaigns again when its leadership is lost', async () => {
    const world = new ManagerWorld({ leaseMs: 4000 });
    const seat = await world.lead();
    const epochOf = async () => (await world.ask(seat, (service) => service.status())).epoch;
    for (let round = 0; round < 3; round += 1) {
      const before = await epochOf();
      world.store.expire('m-1');
      await world.run(100);
      expect(await epochOf()).toBeGreaterThan(before);
    }
    expect(world.log.lines().filter((line) => line.includes('not leading any more'))).toHaveLength(
      3,
    );
  });

  test('writes the settings of its profile into a new cluster, and keeps to those of an old one', async () => {
    const world = new ManagerWorld();
    const seat = await world.lead('m-1', { profile: 'fast' });
    expect(JSON.parse(world.value('settings') ?? '{}')).toEqual(defaultSettings('fast'));
    await world.wait(seat.manager.stop());
    const next = await world.lead('m-2', { profile: 'conservative' });
    const status = await world.ask(next, (service) => service.status());
    expect(status.profile).toBe('fast');
  });

  test('leads by its profile when a new cluster cannot be written to yet', async () => {
    const world = new ManagerWorld();
    world.store.setReadOnly('no space left');
    const seat = await world.lead('m-1', { profile: 'conservative' });
    const status = await world.ask(seat, (service) => service.status());
    expect(status.profile).toBe('conservative');
    expect(world.value('settings')).toBeNull();
    expect(world.log.lines('warn').join()).toContain('first records could not be written');
  });

  test('gives agents the times of the cluster, also those that came before it led', async () => {
    const world = new ManagerWorld();
    await world.seed(nodeRecord('node-1'));
    const other = world.store.connect('other');
    const { signal } = new AbortController();
    const held = await world.wait(other.campaign({ candidate: 'other', signal }));
    await world.startManager('m-1', { profile: 'default' });
    const early = await world.agent({ node: 'node-1' });
    expect(early.welcomes).toMatchObject([{ heartbeatMs: 500 }]);
    await world.seed(defaultSettings('fast'));
    await world.wait(held.resign());
    await world.until(() => early.closed !== null, 5000);
    const again = await world.agent({ node: 'node-1' });
    expect(again.welcomes).toMatchObject([{ heartbeatMs: 250, leaseTtlMs: 6000 }]);
  });

  test('gives the leadership up when it cannot read what is committed, and tries again', async () => {
    const world = new ManagerWorld();
    let failures = 2;
    const wrapStore = (store: Store): Store => ({
      ...store,
      list: (prefix) => {
        failures -= 1;
        return failures >= 0
          ? Promise.reject(new StoreUnavailable('no answer from the store'))
          : store.list(prefix);
      },
    });
    const seat = await world.lead('m-1', { wrapStore });
    expect(failures).toBeLessThan(0);
    expect(world.log.lines('error').join()).toContain('campaigning failed');
    expect(seat.manager.isLeading()).toBe(true);
  });

  test('campaigns for ever while the store is away, without piling up listeners', async () => {
    const world = new ManagerWorld();
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', note);
    let isAway = true;
    const wrapStore = (store: Store): Store => ({
      ...store,
      campaign: (options) =>
        isAway ? Promise.reject(new StoreUnavailable('away')) : store.campaign(options),
    });
    const seat = await world.startManager('m-1', { wrapStore });
    await world.run(60_000);
    isAway = false;
    await world.until(() => seat.manager.isLeading(), 2000);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  test('does not start when its address is taken', async () => {
    const world = new ManagerWorld();
    await world.startManager('m-1');
    await expect(world.startManager('m-1')).rejects.toThrow('address in use');
  });

  test('tells where it listens', async () => {
    const world = new ManagerWorld();
    const seat = await world.startManager('m-1');
    expect(seat.manager.sessionAddress).toEqual({ host: 'm-1', port: sessionPort });
  });
});

describe('stopping a manager', () => {
  test('releases everything: sessions, leadership, timers', async () => {
    const world = new ManagerWorld({ leaseMs: 4000 });
    await world.seed(nodeRecord('node-1'), nodeRecord('node-2'));
    const seat = await world.lead();
    const agents = [await world.agent({ node: 'node-1' }), await world.agent({ node: 'node-2' })];
    await world.ask(seat, (service) => service.createVm(newVm('db'), caller()));
    const silent = new FakeAgent(world, { node: 'node-3' });
    await silent.dial({ hello: false });
    await world.run(10_000);
    await world.wait(seat.manager.stop());
    await world.run(1000);
    expect(agents.map((agent) => agent.byes)).toEqual([
      ['this manager stops'],
      ['this manager stops'],
    ]);
    expect(silent.closed).not.toBeNull();
    expect(world.store.leader).toBeNull();
    expect(seat.manager.isLeading()).toBe(false);
    expect(world.time.pending).toBe(0);
  });

  test('ends fence executions, and waits for the command that is under way', async () => {
    const world = new ManagerWorld();
    const device = world.fencing.add('node-1');
    device.latencyMs = (call) => (call === 'off' ? 9000 : 40);
    await world.seed(onlineNode('node-1'), runningVm(1, 'node-1'));
    const seat = await world.lead();
    await world.until(() => device.count('off') === 1, 30_000);
    const stopped = seat.manager.stop();
    await world.run(1000);
    expect([device.inFlight, world.store.leader]).toEqual([1, 'm-1']);
    await world.wait(stopped);
    expect([device.inFlight, world.store.leader]).toEqual([0, null]);
    expect(world.time.pending).toBe(0);
  });

  test('while it campaigns, or waits to campaign again, leaves nothing behind either', async () => {
    const world = new ManagerWorld({ leaseMs: 4000 });
    const leader = await world.lead('m-1');
    const waiting = await world.startManager('m-2');
    const failing = await world.startManager('m-3', {
      wrapStore: (store) => ({
        ...store,
        campaign: () => Promise.reject(new StoreUnavailable('away')),
      }),
    });
    await world.run(3500);
    await world.wait(waiting.manager.stop());
    await world.wait(failing.manager.stop());
    await world.wait(leader.manager.stop());
    // The farewells between managers are still on the network.
    await world.run(100);
    expect(world.time.pending).toBe(0);
  });

  test('answers what was asked of it meanwhile', async () => {
    const world = new ManagerWorld({ latencyMs: 5 });
    const seat = await world.lead();
    const asked = Array.from({ length: 5 }, (_, index) =>
      seat.manager.service.createVm(newVm(`vm-${index}`), caller()),
    );
    const stopped = seat.manager.stop();
    const answers = await world.wait(Promise.all(asked), 10_000);
    await world.wait(stopped);
    expect(answers.at(-1)).toMatchObject({ kind: 'problem', problem: { code: 'E_NOT_LEADER' } });
    expect(world.time.pending).toBe(0);
  });
});

describe('two managers', () => {
  test('lead one after the other; agents are connected to both', async () => {
    const world = new ManagerWorld({ leaseMs: 4000, latencyMs: 1 });
    await world.seed(nodeRecord('node-1'));
    const first = await world.lead('m-1');
    const second = await world.startManager('m-2');
    const agent = await world.agent({ node: 'node-1', manager: 'm-1' });
    const also = await world.agent({ node: 'node-1', manager: 'm-2' });
    await world.until(() => agent.leases > 0);
    expect(leaders(first, second)).toEqual(['m-1']);
    expect(also.leases).toBe(0);
    await world.wait(first.manager.stop());
    await world.until(() => also.leases > 0, 10_000);
    expect(leaders(first, second)).toEqual(['m-2']);
    expect(world.eventCodes().filter((code) => code === 'NODE_ADMITTED')).toHaveLength(1);
  });

  test('M3: of two that believe they lead, only one grants leases and writes', async () => {
    const world = new ManagerWorld({ latencyMs: 1 });
    await world.seed(nodeRecord('node-1'));
    const old = await world.lead('m-1');
    const next = await world.startManager('m-2');
    const agent = await world.agent({ node: 'node-1', manager: 'm-1' });
    await world.until(() => agent.leases > 0);
    world.store.expire('m-1', { tell: false });
    await world.until(() => next.manager.isLeading());
    expect(leaders(old, next)).toEqual(['m-1', 'm-2']);
    const before = agent.leases;
    await world.run(5000);
    expect(agent.leases).toBe(before);
    expect(await world.refused(old, (service) => service.status())).toMatchObject({
      code: 'E_NOT_LEADER',
    });
    expect(
      await world.refused(old, (service) => service.createVm(newVm('db'), caller())),
    ).toMatchObject({ code: 'E_NOT_LEADER' });
    expect(world.vms()).toEqual([]);
    await world.until(() => !old.manager.isLeading(), 1000);
  });
});

describe('M2: a manager that was held up for half a minute', () => {
  const heldUp = async (leaseMs: number | null) => {
    const world = new ManagerWorld({ leaseMs });
    const nodes = ['node-1', 'node-2', 'node-3'];
    await world.seed(
      ...nodes.map((name) => onlineNode(name)),
      ...nodes.map((name, index) => runningVm(index + 1, name)),
    );
    const seat = await world.lead();
    const agents: FakeAgent[] = [];
    for (const [index, node] of nodes.entries()) {
      const { permit } = runningVm(index + 1, node);
      if (permit === null) throw new Error('no permit');
      const domains = [domainOf(`vm-${index + 1}`, permit)];
      agents.push(await world.agent({ node, domains }));
    }
    await world.run(10_000);
    const before = world.events().length;
    return { world, seat, agents, since: () => world.eventCodes().slice(before) };
  };

  test('declares nobody dead when it goes on as the leader', async () => {
    const it = await heldUp(null);
    it.seat.process.pause('stopped');
    await it.world.run(30_000);
    it.seat.process.resume('stopped');
    await it.world.run(20_000);
    expect(it.since()).toEqual([]);
    expect(it.agents.map((agent) => agent.closed)).toEqual([null, null, null]);
  });

  test('declares nobody dead when it lost its leadership meanwhile and wins the next', async () => {
    const it = await heldUp(4000);
    const epoch = (await it.world.ask(it.seat, (service) => service.status())).epoch;
    it.seat.process.pause('stopped');
    await it.world.run(30_000);
    it.seat.process.resume('stopped');
    await it.world.run(20_000);
    expect((await it.world.ask(it.seat, (service) => service.status())).epoch).not.toBe(epoch);
    expect(it.since()).toEqual([]);
  });

  test('notes that it was held up while it did not lead, too', async () => {
    const world = new ManagerWorld({ leaseMs: 4000 });
    await world.lead('m-1');
    const follower = await world.startManager('m-2');
    await world.run(1000);
    follower.process.pause('stopped');
    await world.run(30_000);
    follower.process.resume('stopped');
    await world.run(1000);
    expect(world.log.lines('warn')).toEqual([
      expect.stringMatching(/m-2: this manager was held up lateMs=(29[789]\d\d|30000)/),
    ]);
  });

  test('still fences a node that is silent afterwards', async () => {
    const it = await heldUp(4000);
    it.world.fencing.add('node-1').power = 'off';
    it.seat.process.pause('stopped');
    it.agents[0]?.process.kill('powerLoss');
    await it.world.run(30_000);
    it.seat.process.resume('stopped');
    await it.world.until(() => it.since().includes('NODE_FENCED'), 60_000);
    await it.world.until(() => it.since().includes('FAILOVER_COMPLETED'), 20_000);
    expect(it.world.objects('fence/')).toMatchObject([{ node: 'node-1' }]);
  });
});

test('a change that is asked of a manager that does not lead is refused, and nothing is written', async () => {
  const world = new ManagerWorld();
  await world.seed(vmRecord(1));
  await world.lead('m-1');
  const follower = await world.startManager('m-2');
  const questions: Parameters<ManagerWorld['refused']>[1][] = [
    (service) =>
      service.createManagerToken(
        { name: null, replaces: null, isWitness: false, ttlMs: 1000 },
        caller(),
      ),
    (service) =>
      service.joinManager({
        token: '',
        name: 'a',
        api: 'b',
        sessions: 'c',
        certificateRequest: '',
      }),
    (service) => service.handover(identityOf('manager', 'm-2')),
    (service) => service.rebuildManager(identityOf('manager', 'm-2')),
    (service) => service.removeManager('m-1', caller()),
    (service) => service.createVm(newVm('db'), caller()),
    (service) => service.startVm('vm-1', caller()),
    (service) => service.stopVm('vm-1', { force: true, reason: null }, caller()),
    (service) => service.deleteVm('vm-1', caller()),
    (service) => service.adoptVm({ node: 'node-1', domain: 'db' }, caller()),
    (service) => service.removeNode('node-1', caller()),
    (service) => service.powerOn('node-1', caller()),
    (service) => service.fenceNode('node-1', { reason: 'x', override: false }, caller()),
    (service) => service.confirmOff('node-1', { reason: 'x', fence: null }, caller()),
    (service) => service.createToken({ node: null, ttlMs: 1000 }, caller()),
    (service) =>
      service.join({ token: '', node: 'a', machineId: 'b', address: 'c', certificateRequest: '' }),
    (service) =>
      service.addFenceDevice(
        'node-1',
        {
          id: 'bmc',
          level: 1,
          driver: 'fake',
          settings: {},
          secrets: {},
          settleMs: 100,
          budgetMs: null,
          delayMs: null,
        },
        caller(),
      ),
  ];
  const before = world.store.machine.revision;
  for (const question of questions) {
    expect(await world.refused(follower, question)).toMatchObject({ code: 'E_NOT_LEADER' });
  }
  expect(world.store.machine.revision).toBe(before);
});
