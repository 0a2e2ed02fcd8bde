import { describe, expect, test } from 'vitest';
import { nodeId, vmId } from '../../core/model/ids.ts';
import type { VmSpec } from '../../core/model/vm.ts';
import { ok, problem } from '../../core/problem.ts';
import { domainOf, type FakeAgent } from '../testing/fake-agent.ts';
import { caller, identityOf, ManagerWorld, type ManagerSeat } from '../testing/manager-world.ts';
import { newVm, nodeRecord, uuidOf, vmSpec } from '../testing/test-objects.ts';

const gentle = { force: false, reason: null };
const forced = { force: true, reason: null };

/** A leader with one admitted node that obeys. */
async function vmBench(options: { readonly readXml?: (xml: string) => VmSpec } = {}) {
  const world = new ManagerWorld();
  await world.seed(nodeRecord('node-1'));
  const { readXml } = options;
  const seat = await world.lead('m-1', {
    readXml: (xml) => {
      if (readXml !== undefined) return Promise.resolve(ok(readXml(xml)));
      return Promise.reject(new Error('no XML expected'));
    },
  });
  const agent = await world.agent({ node: 'node-1' });
  await world.until(() => agent.leases > 0);
  const create = (name: string, change: Parameters<typeof newVm>[1] = {}) =>
    world.ask(seat, (service) => service.createVm(newVm(name, change), caller()));
  return { world, seat, agent, create };
}

async function running(name: string) {
  const it = await vmBench();
  await it.create(name);
  await it.world.until(() => it.world.vm(name).phase === 'running', 5000);
  return it;
}

describe('what a VM uses', () => {
  test('is what the node of its permit measured, and nothing once it is off', async () => {
    const it = await running('db');
    const usage = async () => (await it.world.ask(it.seat, (service) => service.vm('db'))).usage;
    expect(await usage()).toBeNull();
    it.agent.usage = [{ vm: it.world.vm('db').id, cpus: 0.75, memoryMiB: 900 }];
    it.agent.sayReport();
    await it.world.run(100);
    expect(await usage()).toEqual({ cpus: 0.75, memoryMiB: 900 });
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, caller()));
    await it.world.until(() => it.world.vm('db').permit === null, 10_000);
    expect(await usage()).toBeNull();
  });
});

describe('two administrators', () => {
  const bob = { ...caller(), identity: identityOf('admin', 'bob') };

  test('O12: the second of two opposite commands is a conflict that says what happened', async () => {
    const it = await running('db');
    it.agent.obedient = false;
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, caller()));
    const refused = await it.world.refused(it.seat, (service) => service.startVm('db', bob));
    expect(refused).toMatchObject({ code: 'E_CONFLICT', so: 'nothing was changed' });
    expect(refused.because).toMatch(/^alice wanted it stopped at .*under way/);
    expect(it.world.vm('db').desired).toBe('stopped');
  });

  test('O12: whoever asked first may think better of it, and so may others once it is over', async () => {
    const it = await running('db');
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, caller()));
    await it.world.ask(it.seat, (service) => service.startVm('db', caller()));
    await it.world.until(() => it.world.vm('db').phase === 'running', 10_000);
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, caller()));
    await it.world.until(() => it.world.vm('db').permit === null, 10_000);
    await it.world.ask(it.seat, (service) => service.startVm('db', bob));
    expect(it.world.vm('db').desired).toBe('running');
  });

  test('a reason is kept with the event, with the name of who gave it', async () => {
    const it = await running('db');
    const why = { ...bob, reason: 'moving house' };
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, why));
    expect(it.world.events()).toContainEqual(
      expect.objectContaining({ code: 'VM_DESIRED', by: 'bob', reason: 'moving house' }),
    );
  });
});

describe('creating a VM', () => {
  test('records it, and it runs on a node soon after', async () => {
    const it = await vmBench();
    const view = await it.create('db', { id: uuidOf(7) });
    expect(view).toMatchObject({ id: uuidOf(7), name: 'db', desired: 'running', node: null });
    await it.world.until(() => it.world.vm('db').phase === 'running', 5000);
    const shown = await it.world.ask(it.seat, (service) => service.vm('db'));
    expect(shown).toMatchObject({ state: 'running', node: 'node-1', isProtected: true });
    expect(await it.world.ask(it.seat, (service) => service.vm(uuidOf(7).toUpperCase()))).toEqual(
      shown,
    );
  });

  test('makes an id for it when none is given', async () => {
    const it = await vmBench();
    const [first, second] = [await it.create('db'), await it.create('web')];
    expect(first.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(first.id).not.toBe(second.id);
  });

  test('V16: that shares a name, a UUID or a disk with another is refused', async () => {
    const it = await vmBench();
    await it.create('db', { id: uuidOf(7) });
    const refused = (body: ReturnType<typeof newVm>) =>
      it.world.refused(it.seat, (service) => service.createVm(body, caller()));
    const { disks } = vmSpec('db');
    expect(await refused(newVm('db'))).toMatchObject({ code: 'E_NAME_TAKEN' });
    expect(await refused(newVm('web', { id: uuidOf(7) }))).toMatchObject({ code: 'E_UUID_TAKEN' });
    expect(await refused(newVm('web', {}, { disks }))).toMatchObject({ code: 'E_DISK_TAKEN' });
    expect(it.world.vms()).toHaveLength(1);
  });

  test('O12: two of one name at once: the second is refused', async () => {
    const it = await vmBench();
    const ask = () => it.seat.manager.service.createVm(newVm('db'), caller());
    const answers = await it.world.wait(Promise.all([ask(), ask()]));
    expect(answers).toMatchObject([{ kind: 'ok' }, { problem: { code: 'E_NAME_TAKEN' } }]);
  });
});

describe('stopping a VM', () => {
  test('releases it at its owner, and it stays stopped', async () => {
    const it = await running('db');
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, caller()));
    await it.world.until(() => it.world.vm('db').phase === 'stopped', 5000);
    await it.world.run(5000);
    expect(it.world.vm('db')).toMatchObject({ phase: 'stopped', permit: null, desired: 'stopped' });
    expect(it.agent.commands.at(-1)).toMatchObject({ kind: 'release', graceMs: 60_000 });
  });

  test('by force cuts its power, also after a gentle stop that takes too long', async () => {
    const it = await running('db');
    it.agent.obedient = false;
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, caller()));
    await it.world.run(2000);
    await it.world.ask(it.seat, (service) => service.stopVm('db', forced, caller()));
    await it.world.run(2000);
    const releases = it.agent.commands.filter((command) => command.kind === 'release');
    expect(releases.map((release) => release.graceMs)).toEqual([60_000, 0]);
  });

  test('and starting it again runs it by a newer token', async () => {
    const it = await running('db');
    const first = it.world.vm('db').lastToken;
    await it.world.ask(it.seat, (service) => service.stopVm('db', gentle, caller()));
    await it.world.until(() => it.world.vm('db').phase === 'stopped', 5000);
    await it.world.ask(it.seat, (service) => service.startVm('db', caller()));
    await it.world.until(() => it.world.vm('db').phase === 'running', 5000);
    expect(it.world.vm('db').lastToken).toBeGreaterThan(first);
  });

  test('and starting it at once are done one after the other', async () => {
    const it = await running('db');
    const { service } = it.seat.manager;
    const both = [service.stopVm('db', gentle, caller()), service.startVm('db', caller())];
    expect(await it.world.wait(Promise.all(both))).toMatchObject([
      { value: { desired: 'stopped' } },
      { value: { desired: 'running' } },
    ]);
    await it.world.until(() => it.world.vm('db').phase === 'running', 10_000);
  });
});

describe('deleting a VM', () => {
  test('stops it first; then its record is gone', async () => {
    const it = await running('db');
    const view = await it.world.ask(it.seat, (service) => service.deleteVm('db', caller()));
    expect(view).toMatchObject({ name: 'db', state: 'stopping' });
    await it.world.until(() => it.world.vms().length === 0, 5000);
    expect(it.agent.domains?.size).toBe(0);
    expect(await it.world.refused(it.seat, (service) => service.vm('db'))).toMatchObject({
      code: 'E_NOT_FOUND',
    });
  });

  test('cannot be taken back by starting it', async () => {
    const it = await running('db');
    it.agent.obedient = false;
    await it.world.ask(it.seat, (service) => service.deleteVm('db', caller()));
    expect(
      await it.world.refused(it.seat, (service) => service.startVm('db', caller())),
    ).toMatchObject({ code: 'E_CONFLICT' });
  });
});

test('a VM that does not exist is not found, by any verb', async () => {
  const { world, seat } = await vmBench();
  const questions: Parameters<ManagerWorld['refused']>[1][] = [
    (service) => service.vm('none'),
    (service) => service.startVm('none', caller()),
    (service) => service.stopVm('none', gentle, caller()),
    (service) => service.deleteVm('none', caller()),
  ];
  for (const question of questions) {
    expect(await world.refused(seat, question)).toMatchObject({ code: 'E_NOT_FOUND' });
  }
});

describe('adopting a domain', () => {
  const vm = vmId(uuidOf(5));
  const foreign = domainOf('legacy', { vm, node: 'node-1', incarnation: 'x', token: 1 });
  const bare = { ...foreign, permit: null };
  const adopt = (seat: ManagerSeat, domain = 'legacy', node = 'node-1', dryRun = false) =>
    seat.manager.service.adoptVm({ node, domain }, caller({ dryRun }));
  const withDomain = async (domain: typeof bare | typeof foreign) => {
    const it = await vmBench({ readXml: (xml) => vmSpec(xml.slice(1, -1)) });
    it.agent.xml = '<legacy>';
    it.agent.domains?.set(vm, domain);
    it.agent.sayReport();
    await it.world.run(100);
    const refused = async (...args: [domain?: string, node?: string]) =>
      it.world.refused(it.seat, () => adopt(it.seat, ...args));
    return { ...it, refused };
  };
  const starts = (agent: FakeAgent) =>
    agent.commands.filter((command) => command.kind === 'start' || command.kind === 'release');

  test('takes it over where it runs, without touching the guest', async () => {
    const it = await withDomain(bare);
    const view = await it.world.ask(it.seat, () => adopt(it.seat));
    expect(view).toMatchObject({ id: vm, name: 'legacy', node: 'node-1', desired: 'running' });
    await it.world.until(() => it.world.vm('legacy').operation === null, 5000);
    expect(it.agent.domains?.get(vm)?.permit).toMatchObject({ node: 'node-1', token: 1 });
    expect(starts(it.agent)).toEqual([]);
  });

  test('may name it by UUID', async () => {
    const it = await withDomain(bare);
    expect(await it.world.ask(it.seat, () => adopt(it.seat, vm))).toMatchObject({ id: vm });
  });

  test('is refused when it is not there, does not run, or is a VM of the cluster', async () => {
    const it = await withDomain(bare);
    expect(await it.refused('none')).toMatchObject({
      code: 'E_CONFLICT',
      because: 'node-1 reports no domain none',
    });
    expect(await it.refused('legacy', 'node-9')).toMatchObject({
      because: 'there is no node node-9',
    });
    const off = await withDomain({ ...bare, active: false, state: 'shutOff' });
    expect(await off.refused()).toMatchObject({ because: 'it does not run' });
    const taken = await withDomain(foreign);
    await taken.world.ask(taken.seat, () => adopt(taken.seat, vm));
    expect(await taken.refused()).toMatchObject({
      because: 'it carries a permit of node-1 (token 1)',
    });
  });

  test('of a VM that was forgotten goes on from the token that it carries', async () => {
    const it = await withDomain(foreign);
    const view = await it.world.ask(it.seat, () => adopt(it.seat, vm));
    expect(view).toMatchObject({ id: vm, permit: { token: 2 } });
  });

  test('is refused when the agent does not hand over the XML, or it cannot be read', async () => {
    const it = await withDomain(bare);
    it.agent.xml = null;
    expect(await it.refused()).toMatchObject({ because: 'there is no such domain' });
    it.agent.obedient = false;
    expect(await it.refused()).toMatchObject({ because: 'no answer in time' });
    it.agent.hangUp();
    await it.world.run(100);
    expect(await it.refused()).toMatchObject({ because: 'node-1 is not connected' });
  });

  test('passes on what is wrong with its XML', async () => {
    const world = new ManagerWorld();
    await world.seed(nodeRecord('node-1'));
    const wrong = problem({
      code: 'E_SPEC_INVALID',
      what: 'no',
      because: 'no disk',
      so: 'no',
      try: [],
    });
    const seat = await world.lead('m-1', { readXml: () => Promise.resolve(wrong) });
    const agent = await world.agent({ node: 'node-1', domains: [bare] });
    agent.xml = '<legacy>';
    await world.until(() => agent.leases > 0);
    expect(await world.refused(seat, () => adopt(seat))).toEqual(wrong.problem);
  });

  test('is refused a second time', async () => {
    const it = await withDomain(bare);
    const both = [adopt(it.seat), adopt(it.seat)];
    expect(await it.world.wait(Promise.all(both))).toMatchObject([
      { kind: 'ok' },
      { problem: { code: 'E_UUID_TAKEN' } },
    ]);
  });

  test('tried only, changes nothing and asks the agent for no more than the XML', async () => {
    const it = await withDomain(bare);
    const before = it.world.store.machine.revision;
    const view = await it.world.ask(it.seat, () => adopt(it.seat, 'legacy', 'node-1', true));
    expect(view).toMatchObject({ name: 'legacy', node: 'node-1' });
    await it.world.run(3000);
    expect(it.world.store.machine.revision).toBe(before);
    expect(it.agent.commands.map((command) => command.kind)).toEqual(['inspect']);
  });
});

test('every verb that is tried only says what would be, and leaves the store as it is', async () => {
  const it = await running('db');
  const dry = caller({ dryRun: true });
  const before = it.world.store.machine.revision;
  const { world, seat } = it;
  const views = [
    await world.ask(seat, (service) => service.createVm(newVm('web'), dry)),
    await world.ask(seat, (service) => service.stopVm('db', forced, dry)),
    await world.ask(seat, (service) => service.deleteVm('db', dry)),
    await world.ask(seat, (service) => service.startVm('db', dry)),
  ];
  expect(views.map((view) => view.desired)).toEqual(['running', 'stopped', 'stopped', 'running']);
  await world.run(5000);
  expect(world.store.machine.revision).toBe(before);
  expect(it.agent.commands.map((command) => command.kind)).toEqual(['start']);
  expect(world.vms()).toMatchObject([{ phase: 'running', desired: 'running' }]);
});

test('a VM on a node that cannot be fenced shows as unprotected', async () => {
  const world = new ManagerWorld();
  await world.seed(nodeRecord('node-1', { fenceTopology: [] }));
  const seat = await world.lead();
  await world.agent({ node: 'node-1' });
  const made = newVm('db', {}, { nodes: [nodeId('node-1')] });
  await world.ask(seat, (service) => service.createVm(made, caller()));
  await world.until(() => world.vm('db').phase === 'running', 10_000);
  const view = await world.ask(seat, (service) => service.vm('db'));
  expect(view).toMatchObject({ node: 'node-1', isProtected: false });
  const status = await world.ask(seat, (service) => service.status());
  expect(status.findings.map((finding) => finding.code)).toEqual(['NODE_UNFENCEABLE']);
});
