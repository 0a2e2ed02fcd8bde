import { describe, expect, test } from 'vitest';
import type { AddFenceDevice } from '../../api/schema/fencing.ts';
import { SecretBox } from '../../pki/cluster-keys.ts';
import { secretKey } from '../keys.ts';
import { domainOf } from '../testing/fake-agent.ts';
import { caller, ManagerWorld, type Seed } from '../testing/manager-world.ts';
import {
  fakeDevice,
  incarnationOf,
  nodeRecord,
  onlineNode,
  runningVm,
  testKeys,
} from '../testing/test-objects.ts';

const bare = nodeRecord('node-1', { fenceTopology: [] });
const dry = caller({ dryRun: true });
const because = 'the test says so';

const bmc = (change: Partial<AddFenceDevice> = {}): AddFenceDevice => ({
  id: 'bmc',
  level: 1,
  driver: 'fake',
  settings: { device: 'node-1/bmc' },
  secrets: { password: 'hush' },
  settleMs: 2000,
  budgetMs: null,
  delayMs: null,
  ...change,
});

/** The secrets of the device as stored, opened with the cluster's keys. */
function opened(it: { readonly world: ManagerWorld }): string {
  const key = secretKey('node-1', 'node-1/bmc');
  const sealed = it.world.value(key) ?? '';
  expect(sealed).not.toContain('hush');
  return new SecretBox(testKeys, () => 'unused').open(key, sealed);
}

async function nodeBench(...seeds: readonly Seed[]) {
  const world = new ManagerWorld();
  await world.seed(...seeds);
  const device = world.fencing.add('node-1');
  const seat = await world.lead();
  const add = (body = bmc(), who = caller(), node = 'node-1') =>
    seat.manager.service.addFenceDevice(node, body, who);
  return { world, device, seat, add };
}

/** `node-1` runs a VM and says so; nothing else does. */
async function withRunningVm(...seeds: readonly Seed[]) {
  const it = await nodeBench(onlineNode('node-1'), runningVm(1, 'node-1'), ...seeds);
  const { permit } = runningVm(1, 'node-1');
  if (permit === null) throw new Error('no permit');
  const agent = await it.world.agent({ node: 'node-1', domains: [domainOf('vm-1', permit)] });
  await it.world.until(() => agent.leases > 0);
  return { ...it, agent };
}

describe('adding a fence device', () => {
  test('probes it, and stores what was learned; its secrets lie apart', async () => {
    const it = await nodeBench(bare);
    const view = await it.world.ask(it.seat, () => it.add());
    expect(view).toEqual({
      ok: true,
      identity: 'guid-node-1/bmc',
      power: 'on',
      learned: { suite: 17 },
      warnings: [{ code: 'CIPHER_0_OPEN', text: 'anybody may log in' }],
      latencyMs: 12,
      outlet: 'fake node-1/bmc',
      budget: {
        detectMs: 3500,
        levels: [
          { level: 1, devices: ['node-1/bmc'], delayMs: 0, budgetMs: 45_000, settleMs: 2000 },
        ],
        startMs: 10_000,
        selfFenceMs: null,
        usualMs: 15_500,
        worstMs: 60_500,
      },
    });
    expect(it.world.node('node-1').fenceTopology).toEqual([
      { devices: [fakeDevice('node-1', { settings: { device: 'node-1/bmc', suite: 17 } })] },
    ]);
    expect(opened(it)).toBe('{"password":"hush"}');
    expect(it.world.eventCodes()).toContain('FENCE_DEVICE_ADDED');
  });

  test('stores no secret that the driver does not need', async () => {
    const it = await nodeBench(bare);
    const body = bmc({ secrets: { password: 'hush', other: 'left over' } });
    await it.world.ask(it.seat, () => it.add(body));
    expect(opened(it)).toBe('{"password":"hush"}');
    expect(it.world.fencing.contexts[0]?.secrets).toEqual({ password: 'hush' });
  });

  const refusals: [string, Partial<AddFenceDevice>, object][] = [
    ['of no known driver', { driver: 'smoke' }, { code: 'E_USAGE', try: ['use one of: fake'] }],
    [
      'with wrong settings',
      { settings: {} },
      { code: 'E_SPEC_INVALID', because: 'device: which one? valid: node-1/bmc' },
    ],
    [
      'without a secret that it needs',
      { secrets: {} },
      { code: 'E_SPEC_INVALID', because: 'secret password is missing' },
    ],
  ];
  test.each(refusals)('%s is refused before anything is asked', async (_, change, expected) => {
    const it = await nodeBench(bare);
    const before = it.world.store.machine.revision;
    const refused = await it.world.refused(it.seat, () => it.add(bmc(change)));
    expect(refused).toMatchObject({ so: 'nothing was stored', ...expected });
    expect(it.world.fencing.contexts).toEqual([]);
    expect(it.world.store.machine.revision).toBe(before);
  });

  test('of a node that does not exist asks no device anything', async () => {
    const it = await nodeBench(bare);
    const refused = await it.world.refused(it.seat, () => it.add(bmc(), caller(), 'node-9'));
    expect(refused).toMatchObject({ code: 'E_NOT_FOUND' });
    expect(it.world.fencing.contexts).toEqual([]);
  });

  test('is refused with the reason when the device does not answer as it should', async () => {
    const it = await nodeBench(bare);
    it.world.fencing.probeError = 'AUTH_PASSWORD';
    expect(await it.world.refused(it.seat, () => it.add())).toMatchObject({
      code: 'E_FENCE_DEVICE',
      because: 'AUTH_PASSWORD: fake AUTH_PASSWORD',
    });
    expect(it.world.node('node-1').fenceTopology).toEqual([]);
    expect(it.world.value(secretKey('node-1', 'node-1/bmc'))).toBeNull();
  });

  test('O7: is refused when it is the device of another node, by its identity', async () => {
    const twin = fakeDevice('node-2', { identity: 'guid-node-1/bmc' });
    const other = nodeRecord('node-2', { fenceTopology: [{ devices: [twin] }] });
    const it = await nodeBench(bare, other);
    expect(await it.world.refused(it.seat, () => it.add())).toMatchObject({
      code: 'E_FENCE_IDENTITY',
      so: 'fencing node-1 would have powered off node-2',
    });
    expect(it.world.value(secretKey('node-1', 'node-1/bmc'))).toBeNull();
  });

  test('of the same name replaces it and its secret', async () => {
    const it = await nodeBench(bare);
    await it.world.ask(it.seat, () => it.add());
    await it.world.ask(it.seat, () => it.add(bmc({ secrets: { password: 'new' }, settleMs: 500 })));
    expect(it.world.node('node-1').fenceTopology).toMatchObject([{ devices: [{ settleMs: 500 }] }]);
    expect(opened(it)).toBe('{"password":"new"}');
  });

  test('tried only, probes it and stores nothing', async () => {
    const it = await nodeBench(bare);
    const before = it.world.store.machine.revision;
    expect(await it.world.ask(it.seat, () => it.add(bmc(), dry))).toMatchObject({ ok: true });
    expect(it.world.store.machine.revision).toBe(before);
  });

  test('ends with the manager: a probe is not waited for, and leaves no timer behind', async () => {
    const it = await nodeBench(bare);
    it.device.latencyMs = () => 50_000;
    const asked = it.add();
    await it.world.run(100);
    await it.world.wait(it.seat.manager.stop());
    expect(await it.world.wait(asked, 1000)).toMatchObject({ kind: 'problem' });
    expect(it.world.time.pending).toBe(0);
  });
});

describe('a device that is added while fencing waits for one', () => {
  test('ends the wait', async () => {
    const it = await nodeBench(
      onlineNode('node-1', { fenceTopology: [] }),
      onlineNode('node-2'),
      onlineNode('node-3'),
      runningVm(1, 'node-1'),
    );
    await it.world.agent({ node: 'node-2' });
    await it.world.agent({ node: 'node-3' });
    await it.world.until(() => it.world.node('node-1').phase === 'blocked', 20_000);
    await it.world.ask(it.seat, () => it.add());
    await it.world.until(() => it.world.node('node-1').phase === 'fenced', 20_000);
    expect(it.device.count('off')).toBe(1);
  });
});

describe('removing a node', () => {
  test('forgets it with the secrets of its devices, and closes its session', async () => {
    const it = await nodeBench(bare);
    await it.world.ask(it.seat, () => it.add());
    const agent = await it.world.agent({ node: 'node-1' });
    const view = await it.world.ask(it.seat, (service) => service.removeNode('node-1', caller()));
    expect(view).toMatchObject({ name: 'node-1' });
    await it.world.until(() => agent.closed !== null);
    expect(agent.byes).toEqual(['this node was removed']);
    expect(it.world.value('node/node-1')).toBeNull();
    expect(it.world.value(secretKey('node-1', 'node-1/bmc'))).toBeNull();
    expect(await it.world.refused(it.seat, (service) => service.node('node-1'))).toMatchObject({
      code: 'E_NOT_FOUND',
    });
  });

  test('O6: that holds VMs is refused', async () => {
    const it = await withRunningVm();
    const refused = await it.world.refused(it.seat, (service) =>
      service.removeNode('node-1', caller()),
    );
    expect(refused).toMatchObject({
      code: 'E_NODE_HAS_VMS',
      because: expect.stringMatching('vm-1'),
    });
    expect(it.agent.closed).toBeNull();
  });

  test('O12: and fencing it at once: the second meets what the first has done', async () => {
    const it = await nodeBench(onlineNode('node-1'));
    const { service } = it.seat.manager;
    const both = Promise.all([
      service.removeNode('node-1', caller()),
      service.fenceNode('node-1', { reason: because, override: false }, caller()),
    ]);
    expect(await it.world.wait(both)).toMatchObject([
      { kind: 'ok' },
      { problem: { code: 'E_NOT_FOUND' } },
    ]);
  });

  test('tried only, closes nothing', async () => {
    const it = await nodeBench(bare);
    const agent = await it.world.agent({ node: 'node-1' });
    await it.world.until(() => it.world.node('node-1').phase === 'online');
    await it.world.run(1000);
    const before = it.world.store.machine.revision;
    await it.world.ask(it.seat, (service) => service.removeNode('node-1', dry));
    await it.world.run(1000);
    expect([agent.closed, it.world.store.machine.revision]).toEqual([null, before]);
  });
});

describe('fencing a node by hand', () => {
  const fence = { reason: because, override: false };

  test('opens an operation in the name of who asked, and powers it off', async () => {
    const it = await withRunningVm();
    it.device.effect = (command) => {
      it.device.power = command;
      it.agent.process.kill('powerLoss');
    };
    const view = await it.world.ask(it.seat, (service) =>
      service.fenceNode('node-1', fence, caller()),
    );
    expect(view).toMatchObject({ id: 'F-1', phase: 'intent', requestedBy: `alice: ${because}` });
    await it.world.until(() => it.world.node('node-1').phase === 'fenced', 20_000);
    expect(it.device.count('off')).toBe(1);
    const shown = await it.world.ask(it.seat, (service) => service.node('node-1'));
    expect(shown).toMatchObject({
      state: 'fenced',
      fence: { proof: { kind: 'powerOff' }, attempts: [{ action: 'off', outcome: 'accepted' }] },
    });
  });

  test('from the intent on its agent gets no lease', async () => {
    const it = await withRunningVm();
    it.device.latencyMs = () => 5000;
    await it.world.ask(it.seat, (service) => service.fenceNode('node-1', fence, caller()));
    const before = it.agent.leases;
    const acks = it.agent.acks.length;
    await it.world.run(4000);
    expect(it.agent.leases).toBe(before);
    expect(it.agent.acks.length).toBeGreaterThan(acks);
  });

  test('is refused when no incarnation of it is admitted', async () => {
    const it = await nodeBench(nodeRecord('node-1'));
    const refused = await it.world.refused(it.seat, (service) =>
      service.fenceNode('node-1', fence, caller()),
    );
    expect(refused).toMatchObject({ code: 'E_CONFLICT' });
  });

  test('tried only, sends nothing', async () => {
    const it = await withRunningVm();
    const before = it.world.store.machine.revision;
    await it.world.ask(it.seat, (service) => service.fenceNode('node-1', fence, dry));
    await it.world.run(3000);
    expect(it.world.store.machine.revision).toBe(before);
    expect(it.device.calls).toEqual([]);
  });
});

describe('a statement that a node is off', () => {
  const blocked = async () => {
    const it = await withRunningVm(onlineNode('node-2'));
    await it.world.agent({ node: 'node-2' });
    it.device.failure = () => 'UNREACHABLE';
    it.agent.process.kill('powerLoss');
    await it.world.until(() => it.world.objects('fence/').length === 1, 20_000);
    const confirm = (fence: string | null, who = caller()) =>
      it.seat.manager.service.confirmOff('node-1', { fence, reason: because }, who);
    return { ...it, confirm };
  };

  test('is recorded with who made it, and frees the VMs', async () => {
    const it = await blocked();
    const view = await it.world.ask(it.seat, () => it.confirm('F-1'));
    expect(view.proof).toEqual({ kind: 'attested', actor: 'alice', reason: because });
    await it.world.until(() => it.world.vm('vm-1').phase === 'running', 10_000);
    expect(it.world.vm('vm-1').permit?.node).toBe('node-2');
  });

  test('O5: is refused while its agent is heard', async () => {
    const it = await withRunningVm();
    await it.world.ask(it.seat, (service) =>
      service.fenceNode('node-1', { reason: because, override: false }, caller()),
    );
    const refused = await it.world.refused(it.seat, (service) =>
      service.confirmOff('node-1', { fence: null, reason: because }, caller()),
    );
    expect(refused).toMatchObject({ code: 'E_ATTEST_REFUSED', because: 'its agent is heard' });
    await it.world.wait(it.seat.manager.stop());
  });

  test('O5: is refused while a device reads On', async () => {
    const it = await blocked();
    it.device.failure = (call) => (call === 'off' ? 'BMC_BUSY' : null);
    await it.world.run(5000);
    expect(await it.world.refused(it.seat, () => it.confirm(null))).toMatchObject({
      code: 'E_ATTEST_REFUSED',
      because: 'node-1/bmc reads On',
    });
  });

  test('is refused against another operation than the open one, or none', async () => {
    const it = await blocked();
    expect(await it.world.refused(it.seat, () => it.confirm('F-9'))).toMatchObject({
      code: 'E_ATTEST_REFUSED',
    });
    const idle = await nodeBench(onlineNode('node-1'));
    const refused = await idle.world.refused(idle.seat, (service) =>
      service.confirmOff('node-1', { fence: null, reason: because }, caller()),
    );
    expect(refused).toMatchObject({ code: 'E_ATTEST_REFUSED' });
  });

  test('tried only, proves nothing', async () => {
    const it = await blocked();
    await it.world.ask(it.seat, () => it.confirm(null, dry));
    await it.world.run(5000);
    expect(it.world.node('node-1').phase).not.toBe('fenced');
    expect(it.world.vm('vm-1').permit?.node).toBe('node-1');
  });
});

describe('powering a node on', () => {
  const on = (it: Awaited<ReturnType<typeof nodeBench>>, who = caller()) =>
    it.seat.manager.service.powerOn('node-1', who);

  test('sends it, reads it back, and says what the node is then', async () => {
    const it = await nodeBench(nodeRecord('node-1'));
    it.device.power = 'off';
    expect(await it.world.ask(it.seat, () => on(it))).toMatchObject({ name: 'node-1' });
    expect([it.device.power, it.device.count('on')]).toEqual(['on', 1]);
    expect(it.world.events().at(-1)).toMatchObject({ code: 'NODE_POWERED_ON', by: 'alice' });
  });

  test('sends nothing to one that is on', async () => {
    const it = await nodeBench(nodeRecord('node-1'));
    await it.world.ask(it.seat, () => on(it));
    expect(it.device.count('on')).toBe(0);
  });

  test('is refused while it is being fenced', async () => {
    const it = await withRunningVm();
    it.device.latencyMs = () => 3000;
    await it.world.ask(it.seat, (service) =>
      service.fenceNode('node-1', { reason: because, override: false }, caller()),
    );
    expect(await it.world.refused(it.seat, () => on(it))).toMatchObject({
      code: 'E_CONFLICT',
      so: 'nothing was sent',
    });
    expect(it.device.count('on')).toBe(0);
    await it.world.wait(it.seat.manager.stop());
  });

  test('is refused while the last off may still take effect, although the proof is there', async () => {
    const it = await withRunningVm();
    it.device.latencyMs = (call) => (call === 'off' ? 14_000 : 40);
    await it.world.ask(it.seat, (service) =>
      service.fenceNode('node-1', { reason: because, override: false }, caller()),
    );
    await it.world.until(() => it.device.count('off') === 1, 5000);
    it.agent.process.kill('crash');
    await it.world.agent({ node: 'node-1', incarnation: incarnationOf('node-1', 2) });
    await it.world.until(() => it.world.eventCodes().includes('NODE_FENCED'), 5000);
    expect(it.device.inFlight).toBe(1);
    expect(await it.world.refused(it.seat, () => on(it))).toMatchObject({ code: 'E_CONFLICT' });
    await it.world.run(20_000);
    expect(await it.world.ask(it.seat, () => on(it))).toMatchObject({ name: 'node-1' });
  });

  test('M3: is refused by a leader that is none any more', async () => {
    const it = await nodeBench(nodeRecord('node-1'));
    it.device.power = 'off';
    it.world.store.expire('m-1', { tell: false });
    expect(await it.world.refused(it.seat, () => on(it))).toMatchObject({ code: 'E_NOT_LEADER' });
    expect(it.device.calls).toEqual([]);
  });

  test('is refused without a fence device, and for a node that is not known', async () => {
    const it = await nodeBench(bare);
    expect(await it.world.refused(it.seat, () => on(it))).toMatchObject({
      code: 'E_NODE_UNFENCEABLE',
    });
    const unknown = await it.world.refused(it.seat, (service) =>
      service.powerOn('node-9', caller()),
    );
    expect(unknown).toMatchObject({ code: 'E_NOT_FOUND' });
  });

  test('says which device failed, and how', async () => {
    const it = await nodeBench(nodeRecord('node-1'));
    it.device.failure = () => 'AUTH_PASSWORD';
    expect(await it.world.refused(it.seat, () => on(it))).toMatchObject({
      code: 'E_FENCE_DEVICE',
      because: 'node-1/bmc: AUTH_PASSWORD, fake AUTH_PASSWORD',
    });
  });

  test('tried only, sends nothing', async () => {
    const it = await nodeBench(nodeRecord('node-1'));
    it.device.power = 'off';
    await it.world.ask(it.seat, () => on(it, dry));
    expect(it.device.calls).toEqual([]);
  });
});
