import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { problem } from '../../core/problem.ts';
import { migrations } from '../crd/kinds.ts';
import { conditionOf, machine, OperatorWorld, statusOf } from '../testing/operator-world.ts';
import { vmNameOf } from '../vm/vm-name.ts';
import type { FakeAgent } from '../../manager/testing/fake-agent.ts';

let it = new OperatorWorld();
let agents: FakeAgent[] = [];
beforeEach(async () => {
  it = new OperatorWorld();
  await it.start();
  agents = [await it.world.agent({ node: 'node-1' }), await it.world.agent({ node: 'node-2' })];
  await it.until(() => it.world.node('node-2').phase === 'online');
  await it.apply('db', machine());
  await it.until(() => it.status('db')['phase'] === 'Running');
});
afterEach(() => it.stop());

const where = { name: 'away', namespace: 'shop' };
const shown = () => it.find(migrations, where);
const phase = () => statusOf(shown())['phase'];
const record = () => it.world.vm(vmNameOf('shop', 'db'));
const home = (): string => record().permit?.node ?? '';
const other = (): string => (home() === 'node-1' ? 'node-2' : 'node-1');
const put = (spec: object) => it.put(migrations, where, spec);
const hold = (): void => {
  for (const agent of agents) agent.obedient = false;
};

describe('a Migration', () => {
  test('moves its VM once and says where to', async () => {
    const [from, to] = [home(), other()];
    await put({ vmName: 'db', way: 'Cold', targetHypervisor: to });
    await it.until(() => phase() === 'Succeeded', 60_000);
    expect(statusOf(shown())).toMatchObject({ from, to, token: 1 });
    expect(home()).toBe(to);
    // It may go without us, and a look at it does nothing.
    await it.until(() => shown()?.metadata.finalizers?.length !== 1);
    it.run();
    await it.world.run(60_000);
    expect([home(), record().permit?.token]).toEqual([to, 2]);
  });

  test('is made once although its answer was lost', async () => {
    const to = other();
    let lost = 0;
    it.bend = (_, call) => {
      if (call !== 'moveVm' || lost > 0) return null;
      lost += 1;
      return problem({ code: 'E_AMBIGUOUS', what: 'x', because: 'y', so: 'z', try: [] });
    };
    await put({ vmName: 'db', way: 'Cold' });
    await it.until(() => phase() === 'Succeeded', 60_000);
    expect([lost, home(), record().permit?.token]).toEqual([1, to, 2]);
  });

  test('that Kennel refuses is Failed and says why', async () => {
    await put({ vmName: 'db', targetHypervisor: home() });
    await it.until(() => phase() === 'Failed');
    expect(conditionOf(shown(), 'Synced')).toBe('False Conflict');
    expect(record().move).toBe(null);
  });

  test('of a VM that is not there waits for it', async () => {
    await put({ vmName: 'web' });
    await it.until(() => conditionOf(shown(), 'Synced') === 'False NotCreated');
    expect(phase()).toBe('Pending');
    await it.apply('web', machine({ disks: [] }));
    await it.until(() => conditionOf(shown(), 'Synced') === 'True Accepted', 60_000);
  });

  test('is called off when it is deleted while it goes on', async () => {
    const from = home();
    hold();
    await put({ vmName: 'db' });
    await it.until(() => phase() === 'Preparing');
    await it.drop(migrations, where);
    await it.until(() => shown() === undefined);
    await it.until(() => it.world.eventCodes().includes('VM_MIGRATION_CANCELLED'));
    expect(home()).toBe(from);
  });

  test('whose move was taken back by people is Failed', async () => {
    const { seat } = it;
    if (seat === null) throw new Error('no manager');
    const nodeName = other();
    const body = { want: 'cordon' } as const;
    await it.world.ask(seat, (service) => service.maintenance.change(nodeName, body, it.admin));
    await put({ vmName: 'db', way: 'Live' });
    await it.until(() => conditionOf(shown(), 'Synced') === 'True Accepted');
    expect(phase()).toBe('Pending');
    await it.world.ask(seat, (service) => service.cancelMove(vmNameOf('shop', 'db'), it.admin));
    await it.until(() => phase() === 'Failed');
  });
});
