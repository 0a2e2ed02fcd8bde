import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { problem } from '../../core/problem.ts';
import { nodeMaintenances } from '../crd/kinds.ts';
import { conditionOf, machine, OperatorWorld, statusOf } from '../testing/operator-world.ts';
import { vmNameOf } from '../vm/vm-name.ts';

let it = new OperatorWorld();
beforeEach(async () => {
  it = new OperatorWorld();
  await it.start();
  await it.world.agent({ node: 'node-1' });
  await it.world.agent({ node: 'node-2' });
  await it.until(() => it.world.node('node-2').phase === 'online');
  await it.apply('db', machine({ hypervisors: [] }));
  await it.until(() => it.status('db')['phase'] === 'Running');
});
afterEach(() => it.stop());

const kindOf = (node: string): string | undefined => it.world.node(node).evacuation?.kind;
const shown = (name: string) => it.find(nodeMaintenances, { name });
const home = (): string => it.world.vm(vmNameOf('shop', 'db')).permit?.node ?? '';
const empty = (): string => (home() === 'node-1' ? 'node-2' : 'node-1');
const put = (name: string, spec: object) => it.put(nodeMaintenances, { name }, spec);

describe('a NodeMaintenance', () => {
  test('keeps its node in maintenance until it is deleted', async () => {
    const nodeName = empty();
    await put('fix', { nodeName, reason: 'new memory' });
    await it.until(() => statusOf(shown('fix'))['phase'] === 'Succeeded');
    expect(it.world.node(nodeName).evacuation).toMatchObject({
      kind: 'maintenance',
      stuck: 'leave',
      deadline: null,
      reason: 'NodeMaintenance fix: new memory',
    });
    expect(statusOf(shown('fix'))).toMatchObject({ drainProgress: 100, pendingVms: [] });
    expect(shown('fix')?.metadata.finalizers).toEqual(['kennel.dev/maintenance']);
    await it.drop(nodeMaintenances, { name: 'fix' });
    await it.until(() => shown('fix') === undefined);
    expect(kindOf(nodeName)).toBe(undefined);
  });

  test('says what is still there and how far it has come, and takes a change of its policy', async () => {
    const nodeName = home();
    await put('fix', { nodeName, policy: 'Leave', evictionTimeout: '1h30m' });
    await it.until(() => statusOf(shown('fix'))['phase'] === 'Running');
    expect(statusOf(shown('fix'))).toMatchObject({
      drainProgress: 0,
      pendingVms: [vmNameOf('shop', 'db')],
    });
    const { deadline, since } = it.world.node(nodeName).evacuation ?? {};
    expect(Date.parse(deadline ?? '') - Date.parse(since ?? '')).toBe(90 * 60_000);
    await put('fix', { nodeName, policy: 'Restart' });
    await it.until(() => it.world.node(nodeName).evacuation?.stuck === 'restart');
    expect(it.world.node(nodeName).evacuation?.deadline).toBe(null);
  });

  test('that Kennel refuses is Failed and says why', async () => {
    await put('one', { nodeName: empty() });
    await it.until(() => statusOf(shown('one'))['phase'] === 'Succeeded');
    await put('two', { nodeName: home() });
    await it.until(() => statusOf(shown('two'))['phase'] === 'Failed');
    expect(statusOf(shown('two'))['lastError']).toContain('would have to stay');
    expect(kindOf(home())).toBe(undefined);
    await it.drop(nodeMaintenances, { name: 'two' });
    await it.until(() => shown('two') === undefined);
  });

  test('is told who holds a node already, and follows when that one goes', async () => {
    const nodeName = empty();
    await put('first', { nodeName });
    await it.until(() => conditionOf(shown('first'), 'Synced') === 'True Accepted');
    await put('second', { nodeName });
    await it.until(() => conditionOf(shown('second'), 'Synced') === 'False NodeTaken');
    await it.drop(nodeMaintenances, { name: 'first' });
    await it.until(() => shown('first') === undefined);
    expect(kindOf(nodeName)).toBe('maintenance');
    await it.until(() => conditionOf(shown('second'), 'Synced') === 'True Accepted', 60_000);
    expect(it.world.node(nodeName).evacuation?.reason).toBe('NodeMaintenance second');
  });

  test('ends only what it asked for', async () => {
    const { seat } = it;
    if (seat === null) throw new Error('no manager');
    const nodeName = empty();
    await put('fix', { nodeName });
    await it.until(() => conditionOf(shown('fix'), 'Synced') === 'True Accepted');
    const body = { want: 'maintenance', stuck: 'leave', deadlineMs: null, force: false } as const;
    await it.world.ask(seat, (service) =>
      service.maintenance.change(nodeName, body, { ...it.admin, reason: 'a new rack' }),
    );
    await it.drop(nodeMaintenances, { name: 'fix' });
    await it.until(() => shown('fix') === undefined);
    expect(it.world.node(nodeName).evacuation?.reason).toBe('a new rack');
  });

  test('is not fought for when people end its maintenance', async () => {
    const { seat } = it;
    if (seat === null) throw new Error('no manager');
    const nodeName = empty();
    await put('fix', { nodeName });
    await it.until(() => conditionOf(shown('fix'), 'Synced') === 'True Accepted');
    await it.world.ask(seat, (service) =>
      service.maintenance.change(nodeName, { want: 'exit' }, it.admin),
    );
    await it.until(() => conditionOf(shown('fix'), 'Synced') === 'False ChangedElsewhere');
    await it.world.run(60_000);
    expect(kindOf(nodeName)).toBe(undefined);
  });

  test('is held while the managers do not answer', async () => {
    const nodeName = empty();
    await put('fix', { nodeName });
    await it.until(() => conditionOf(shown('fix'), 'Synced') === 'True Accepted');
    let isAway = true;
    it.bend = () =>
      isAway ? problem({ code: 'E_UNAVAILABLE', what: 'x', because: 'y', so: 'z', try: [] }) : null;
    await it.drop(nodeMaintenances, { name: 'fix' });
    await it.world.run(20_000);
    expect(shown('fix')?.metadata.finalizers).toEqual(['kennel.dev/maintenance']);
    isAway = false;
    await it.until(() => shown('fix') === undefined, 120_000);
    expect(kindOf(nodeName)).toBe(undefined);
  });
});
