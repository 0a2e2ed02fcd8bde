import { describe, expect, test } from 'vitest';
import { managerId } from '../core/model/ids.ts';
import type { ManagerRecord } from '../core/model/manager.ts';
import { ManagerWorld, caller, type ManagerSeat } from './testing/manager-world.ts';
import { newVm, nodeRecord, onlineNode, runningVm } from './testing/test-objects.ts';

const recordOf = (number: number): ManagerRecord => ({
  kind: 'manager',
  id: managerId(`m-${number}`),
  number,
  api: `m-${number}:7400`,
  sessions: `m-${number}:7443`,
  certificateFingerprint: `print-m-${number}`,
  role: 'voter',
  isWitness: false,
  replaces: null,
  joinedAt: '2026-01-01T00:00:00.000Z',
});

/** Managers `m-1` to `m-3` that know of each other; the first leads. */
async function three(options: { readonly leaseMs?: number } = {}) {
  const world = new ManagerWorld({ leaseMs: options.leaseMs ?? 4000, latencyMs: 1 });
  const roster = { kind: 'roster', version: 3, lastNumber: 3 } as const;
  await world.seed(roster, ...[1, 2, 3].map(recordOf), nodeRecord('node-1'), onlineNode('node-2'));
  const seats = [await world.lead('m-1')];
  for (const name of ['m-2', 'm-3']) seats.push(await world.startManager(name));
  const [one, two, others] = seats as [ManagerSeat, ManagerSeat, ManagerSeat];
  await world.until(() => two.manager.service.leader() !== null, 5000);
  return { world, one, two, others, seats };
}

const leadersOf = (seats: readonly ManagerSeat[]): string[] =>
  seats.filter((seat) => seat.manager.isLeading()).map((seat) => seat.name);

describe('a manager that does not lead', () => {
  test('answers reads with what is committed now, and names the leader', async () => {
    const it = await three();
    await it.world.ask(it.one, (service) => service.createVm(newVm('db'), caller()));
    const status = await it.world.ask(it.two, (service) => service.status());
    expect(status).toMatchObject({ leader: 'm-1', answeredBy: 'm-2', ageMs: 0 });
    expect(status.vms.map((vm) => vm.name)).toEqual(['db']);
    expect(status.managers).toMatchObject([
      { name: 'm-1', leads: true, healthy: true },
      { name: 'm-2', leads: false, healthy: true },
      { name: 'm-3', leads: false },
    ]);
    expect(it.two.manager.service.leader()).toEqual({
      name: 'm-1',
      api: 'm-1:7400',
      isSelf: false,
    });
    const events = await it.world.ask(it.two, (service) => service.events(0, 10));
    expect(events.map((event) => event.code)).toContain('VM_CREATED');
  });

  test('does not take a lease that it cannot know of for one that is over', async () => {
    const it = await three();
    const byFollower = await it.world.ask(it.two, (service) => service.node('node-2'));
    expect(byFollower).toMatchObject({ leaseMs: null, leaseIsKnown: false });
    const byLeader = await it.world.ask(it.one, (service) => service.node('node-2'));
    expect(byLeader).toMatchObject({ leaseIsKnown: true });
  });

  test('passes events on as they are committed', async () => {
    const it = await three();
    const seen: string[] = [];
    it.two.manager.service.watchEvents(0, (event) => seen.push(event.code));
    await it.world.ask(it.one, (service) => service.createVm(newVm('db'), caller()));
    await it.world.run(1000);
    expect(seen).toContain('VM_CREATED');
  });

  test('M4: cut off from the store, it shows what it knew and how old that is', async () => {
    const it = await three();
    await it.world.ask(it.one, (service) => service.createVm(newVm('db'), caller()));
    await it.world.run(1000);
    it.world.store.cut('m-2');
    await it.world.run(20_000);
    const status = await it.world.ask(it.two, (service) => service.status());
    expect(status).toMatchObject({ health: 'noQuorum', vms: [{ name: 'db' }] });
    expect(status.ageMs).toBeGreaterThan(19_000);
    it.world.store.heal('m-2');
    await it.world.run(3000);
    const healed = await it.world.ask(it.two, (service) => service.status());
    expect(healed).toMatchObject({ ageMs: 0, leader: 'm-1' });
  });
});

describe('a take-over', () => {
  test('M1: the next leader names itself to the others, and their reads go on', async () => {
    const it = await three();
    it.one.process.kill('crash');
    await it.world.until(() => leadersOf([it.two, it.others]).length === 1, 10_000);
    const [next] = leadersOf([it.two, it.others]);
    const follower = next === 'm-2' ? it.others : it.two;
    await it.world.until(() => follower.manager.service.leader()?.name === next, 2000);
    await it.world.run(4000);
    const status = await it.world.ask(follower, (service) => service.status());
    expect(status.leader).toBe(next);
    expect(status.findings).toContainEqual(
      expect.objectContaining({ code: 'MANAGER_DOWN', subject: 'm-1' }),
    );
  });

  test('costs a cluster that is as it should be no write of its own', async () => {
    const it = await three();
    await it.world.run(2000);
    const barrier = it.world.value('barrier');
    await it.world.wait(it.one.manager.stop());
    await it.world.until(() => leadersOf([it.two, it.others]).length === 1, 10_000);
    await it.world.run(500);
    expect(it.world.value('barrier')).toBe(barrier);
  });

  test('M2: a paused leader that wakes grants nothing and writes nothing', async () => {
    const it = await three();
    await it.world.seed(runningVm(1, 'node-2'));
    it.one.process.pause('stopped');
    await it.world.until(() => leadersOf([it.two, it.others]).length === 1, 10_000);
    await it.world.run(20_000);
    it.one.process.resume('stopped');
    const asked = it.one.manager.service.createVm(newVm('late'), caller());
    const answer = await it.world.wait(asked);
    expect(answer).toMatchObject({ kind: 'problem', problem: { code: 'E_NOT_LEADER' } });
    await it.world.run(2000);
    expect(it.world.vms().map((vm) => vm.spec.name)).not.toContain('late');
    expect(it.one.manager.isLeading()).toBe(false);
  });
});

describe('managers that go', () => {
  test('one that is removed stops campaigning and says so', async () => {
    let told = 0;
    const world = new ManagerWorld({ latencyMs: 1 });
    const roster = { kind: 'roster', version: 2, lastNumber: 2 } as const;
    await world.seed(roster, recordOf(1), recordOf(2));
    const one = await world.lead('m-1');
    const two = await world.startManager('m-2', { onRemoved: () => (told += 1) });
    await world.run(1500);
    await world.ask(one, (service) => service.removeManager('m-2', caller()));
    await world.until(() => told === 1, 2000);
    await world.wait(one.manager.stop());
    await world.run(5000);
    expect(two.manager.isLeading()).toBe(false);
    expect(world.eventCodes()).toContain('MANAGER_REMOVED');
  });

  test('O13: the last one is not removed', async () => {
    const world = new ManagerWorld();
    const seat = await world.lead('m-1');
    const refusal = await world.refused(seat, (service) => service.removeManager('m-1', caller()));
    expect(refusal).toMatchObject({ code: 'E_CONFLICT' });
    expect(refusal.because).toContain('no manager would be left');
  });

  test('one that was removed while it was down leads no more when it comes back', async () => {
    const world = new ManagerWorld();
    await world.seed({ kind: 'roster', version: 3, lastNumber: 3 }, recordOf(1), recordOf(3));
    let told = 0;
    const seat = await world.startManager('m-2', { onRemoved: () => (told += 1) });
    await world.run(3000);
    expect([seat.manager.isLeading(), told]).toEqual([false, 1]);
  });
});

test('the first leader of a new cluster records itself, with the settings, in one write', async () => {
  const world = new ManagerWorld();
  await world.lead('m-1');
  expect(world.objects('manager/')).toMatchObject([{ id: 'm-1', number: 1, api: 'm-1:7400' }]);
  expect(world.objects('roster')).toMatchObject([{ version: 1, lastNumber: 1 }]);
});
