import { describe, expect, test } from 'vitest';
import { revision } from '../core/model/ids.ts';
import { StoreUnavailable } from '../store/store.ts';
import { eventKey, keys } from './keys.ts';
import { nodeRecord, vmRecord } from './testing/test-objects.ts';
import { eventOf, put, writerBench, writerIn } from './testing/writer-bench.ts';

describe('a write', () => {
  test('is committed with its objects, events and further writes in one revision', async () => {
    const it = await writerBench();
    const extra = { puts: [{ key: 'token/a', value: '1' }] };
    const outcome = await it.world.wait(
      it.writer.commit([put(vmRecord(1))], [eventOf('A'), eventOf('B')], extra),
    );
    expect(outcome).toEqual({ kind: 'committed' });
    const written = ['barrier', 'vm/' + vmRecord(1).id, eventKey(1), eventKey(2), 'token/a'];
    const revisions = written.map((key) => it.world.store.machine.get(key)?.modRevision);
    expect(new Set(revisions).size).toBe(1);
    expect(written.map((key) => it.mirror.revisionOf(key))).toEqual(revisions);
  });

  test('deletes what it is told to delete', async () => {
    const it = await writerBench(vmRecord(1), { kind: 'put', key: 'token/a', value: '1' });
    const key = `vm/${vmRecord(1).id}`;
    await it.world.wait(it.writer.commit([{ kind: 'delete', key }], [], { deletes: ['token/a'] }));
    expect([it.world.value(key), it.world.value('token/a')]).toEqual([null, null]);
    expect(it.mirror.vms.size).toBe(0);
  });

  test('rewrites the barrier every time, and compares leadership, barrier and objects', async () => {
    const it = await writerBench(vmRecord(1));
    const before = it.mirror.revisionOf(`vm/${vmRecord(1).id}`);
    await it.world.wait(it.writer.commit([put(vmRecord(1)), put(vmRecord(2))], []));
    const [first] = it.sent;
    const { key, createRevision } = it.leadership;
    expect(first?.transaction.compare).toEqual([
      { key, target: 'create', revision: createRevision },
      { key: keys.barrier, target: 'mod', revision: 0 },
      { key: `vm/${vmRecord(1).id}`, target: 'mod', revision: before },
      { key: `vm/${vmRecord(2).id}`, target: 'mod', revision: 0 },
    ]);
    expect(first?.transaction.then[0]).toMatchObject({ kind: 'put', key: keys.barrier });
  });

  test('is made by one operation id each, never used twice', async () => {
    const it = await writerBench();
    for (let count = 0; count < 5; count += 1) {
      await it.world.wait(it.writer.commit([], [eventOf('A')]));
    }
    const ids = it.sent.map(({ transaction }) => transaction.operation);
    expect(new Set(ids).size).toBe(5);
  });

  test('M9: is refused when the object was changed by another hand, and what is there is read', async () => {
    const it = await writerBench(nodeRecord('node-1'));
    await it.world.seed(nodeRecord('node-1', { cordoned: true }));
    const change = put(nodeRecord('node-1', { labels: { rack: 'r1' } }));
    expect(await it.world.wait(it.writer.commit([change], []))).toEqual({ kind: 'again' });
    expect(it.world.node('node-1')).toMatchObject({ cordoned: true, labels: {} });
    expect([...it.mirror.nodes.values()]).toMatchObject([{ cordoned: true }]);
  });
});

describe('a deposed leader', () => {
  test('M3: its write is refused by the store although it believes in itself', async () => {
    const old = await writerBench(vmRecord(1));
    old.world.store.expire('m-1', { tell: false });
    const next = await writerIn(old.world, 'm-2');
    expect([old.leadership.isValid(), next.leadership.isValid()]).toEqual([true, true]);
    const stopped = vmRecord(1, { desired: 'stopped' });
    const outcome = await old.world.wait(old.writer.commit([put(stopped)], [eventOf('LATE')]));
    expect(outcome).toEqual({ kind: 'lost', written: 'no' });
    expect(old.world.vm('vm-1').desired).toBe('running');
    expect(old.world.events()).toEqual([]);
  });

  test('M3: learns from the refusal that its leadership is over', async () => {
    const old = await writerBench();
    old.world.store.expire('m-1', { tell: false });
    const next = await writerIn(old.world, 'm-2');
    await old.world.wait(old.writer.commit([], [eventOf('LATE')]));
    expect(old.leadership.isValid()).toBe(false);
    expect(next.leadership.isValid()).toBe(true);
    expect(old.world.store.leader).toBe('m-2');
  });

  test('M2: sends nothing once it knows', async () => {
    const it = await writerBench();
    it.world.store.expire('m-1');
    await it.world.run(1);
    const outcome = await it.world.wait(it.writer.commit([], [eventOf('LATE')]));
    expect(outcome).toEqual({ kind: 'lost', written: 'no' });
    expect(it.sent).toEqual([]);
  });
});

describe('a write without an answer', () => {
  test('that happened is found committed, once', async () => {
    const it = await writerBench();
    it.world.store.makeNextWriteAmbiguous('m-1', 'evaluated');
    const outcome = await it.world.wait(it.writer.commit([put(vmRecord(1))], [eventOf('A')]));
    expect(outcome).toEqual({ kind: 'committed' });
    expect(it.mirror.vms.size).toBe(1);
    expect(it.world.eventCodes()).toEqual(['A']);
    expect(it.mirror.nextEvent).toBe(2);
  });

  test('that was lost is to be decided again, and never repeated by the writer', async () => {
    const it = await writerBench();
    it.world.store.makeNextWriteAmbiguous('m-1', 'lost');
    const outcome = await it.world.wait(it.writer.commit([put(vmRecord(1))], [eventOf('A')]));
    expect(outcome).toEqual({ kind: 'again' });
    expect(it.world.vms()).toEqual([]);
    expect(it.sent.map(({ transaction }) => transaction.then.map(({ key }) => key))).toEqual([
      [keys.barrier, `vm/${vmRecord(1).id}`, eventKey(1)],
      [keys.barrier],
    ]);
  });

  test('that arrives after it was settled can never happen', async () => {
    const it = await writerBench();
    it.world.store.makeNextWriteAmbiguous('m-1', { lateMs: 5000 });
    const outcome = await it.world.wait(it.writer.commit([put(vmRecord(1))], [eventOf('A')]));
    expect(outcome).toEqual({ kind: 'again' });
    await it.world.run(10_000);
    expect([it.world.vms(), it.world.events()]).toEqual([[], []]);
    // The leader was not disturbed by the late arrival.
    expect(await it.world.wait(it.writer.commit([], [eventOf('B')]))).toEqual({
      kind: 'committed',
    });
  });

  test('that arrives while it is being settled is seen as what it was: committed', async () => {
    const it = await writerBench();
    const txn = it.client.txn.bind(it.client);
    it.world.store.makeNextWriteAmbiguous('m-1', { lateMs: 10 });
    let calls = 0;
    it.bend = {
      txn: async (transaction) => {
        calls += 1;
        if (calls === 2) await it.world.timersPass(50);
        return txn(transaction);
      },
    };
    const outcome = await it.world.wait(it.writer.commit([put(vmRecord(1))], []));
    expect(outcome).toEqual({ kind: 'committed' });
    expect(it.sent[1]?.outcome).toMatchObject({ kind: 'refused', because: 'compare' });
    expect(it.mirror.vms.size).toBe(1);
  });

  test('twice in a row ends the leadership, and the outcome is called unknown', async () => {
    const it = await writerBench();
    const txn = it.client.txn.bind(it.client);
    it.bend = {
      txn: (transaction) => {
        it.world.store.makeNextWriteAmbiguous('m-1', 'lost');
        return txn(transaction);
      },
    };
    const outcome = await it.world.wait(it.writer.commit([put(vmRecord(1))], []));
    expect(outcome).toEqual({ kind: 'lost', written: 'unknown' });
    expect(it.sent).toHaveLength(2);
    expect(it.leadership.isValid()).toBe(false);
    expect(it.world.store.leader).toBeNull();
  });

  test('of a leader deposed meanwhile says that leadership is lost, whatever became of it', async () => {
    const old = await writerBench();
    old.world.store.makeNextWriteAmbiguous('m-1', { lateMs: 5000 });
    const txn = old.client.txn.bind(old.client);
    let calls = 0;
    old.bend = {
      txn: (transaction) => {
        calls += 1;
        if (calls === 2) old.world.store.expire('m-1', { tell: false });
        return txn(transaction);
      },
    };
    const outcome = await old.world.wait(old.writer.commit([put(vmRecord(1))], []));
    expect(outcome).toEqual({ kind: 'lost', written: 'unknown' });
    const next = await writerIn(old.world, 'm-2');
    await old.world.run(10_000);
    expect(old.world.vms()).toEqual([]);
    expect(next.mirror.vms.size).toBe(0);
  });

  test('leads to the end of the leadership when what is there cannot be read back', async () => {
    const it = await writerBench();
    it.world.store.makeNextWriteAmbiguous('m-1', 'evaluated');
    it.bend = { list: () => Promise.reject(new StoreUnavailable('no quorum')) };
    const outcome = await it.world.wait(it.writer.commit([put(vmRecord(1))], []));
    expect(outcome).toEqual({ kind: 'lost', written: 'unknown' });
    expect(it.leadership.isValid()).toBe(false);
  });
});

describe('a store that takes no writes', () => {
  test('M8: is told apart from a conflict, and nothing of the mirror moves', async () => {
    const it = await writerBench(vmRecord(1));
    it.world.store.setReadOnly('no space left');
    const before = it.mirror.revisionOf(keys.barrier);
    const outcome = await it.world.wait(
      it.writer.commit([put(vmRecord(1, { desired: 'stopped' }))], [eventOf('A')]),
    );
    expect(outcome).toEqual({ kind: 'notTaken', because: 'no space left', readOnly: true });
    expect(it.sent).toHaveLength(1);
    expect([it.mirror.revisionOf(keys.barrier), it.mirror.nextEvent]).toEqual([before, 1]);
    expect([...it.mirror.vms.values()]).toMatchObject([{ desired: 'running' }]);
    it.world.store.setReadOnly(null);
    await it.world.wait(it.writer.commit([], [eventOf('B')]));
    expect(it.world.store.machine.get(eventKey(1))?.value).toContain('"B"');
  });

  test('a transaction that the store will never take is not read back and sent again', async () => {
    const it = await writerBench();
    const xml = 'x'.repeat(600 * 1024);
    const large = vmRecord(1, { spec: { ...vmRecord(1).spec, definition: { kind: 'xml', xml } } });
    const outcome = await it.world.wait(it.writer.commit([put(large)], []));
    expect(outcome).toMatchObject({ kind: 'notTaken', readOnly: false });
    expect(it.sent).toHaveLength(1);
    expect(it.leadership.isValid()).toBe(true);
  });
});

describe('events', () => {
  test('are numbered without a gap over refused, unanswered and lost writes', async () => {
    const it = await writerBench();
    const commit = (code: string) => it.world.wait(it.writer.commit([], [eventOf(code)]));
    await commit('A');
    it.world.store.setReadOnly('full');
    await commit('refused');
    it.world.store.setReadOnly(null);
    it.world.store.makeNextWriteAmbiguous('m-1', 'lost');
    await commit('lost');
    it.world.store.makeNextWriteAmbiguous('m-1', 'evaluated');
    await commit('B');
    await commit('C');
    it.world.store.expire('m-1');
    const next = await writerIn(it.world, 'm-2');
    await it.world.wait(next.writer.commit([], [eventOf('D'), eventOf('E')]));
    expect(it.world.eventCodes()).toEqual(['A', 'B', 'C', 'D', 'E']);
    const found = it.world.store.machine.list(keys.events).map((item) => item.key);
    expect(found).toEqual([1, 2, 3, 4, 5].map(eventKey));
  });

  test('C5: are ordered by their number, whatever the wall clock says', async () => {
    const it = await writerBench();
    it.world.clock.stepWall(3_600_000);
    await it.world.wait(it.writer.commit([], [eventOf('A')]));
    it.world.clock.stepWall(-7_200_000);
    await it.world.wait(it.writer.commit([], [eventOf('B')]));
    const [first, second] = it.world.events();
    expect([first?.code, second?.code]).toEqual(['A', 'B']);
    expect(Date.parse(first?.at ?? '')).toBeGreaterThan(Date.parse(second?.at ?? ''));
  });

  const history = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      kind: 'put' as const,
      key: eventKey(index + 1),
      value: JSON.stringify({ kind: 'event', at: '', ...eventOf('OLD') }),
    }));
  const historyBench = async (count: number) => {
    const all = history(count);
    const it = await writerBench();
    for (let from = 0; from < count; from += 1000) {
      await it.world.seed(...all.slice(from, from + 1000));
    }
    await it.world.wait(it.mirror.load(it.client));
    return it;
  };
  const kept = (it: {
    world: { store: { machine: { list(prefix: string): readonly unknown[] } } };
  }) => it.world.store.machine.list(keys.events).length;

  test('beyond ten thousand are let go, the oldest first and many at once', async () => {
    const it = await historyBench(10_062);
    await it.world.wait(it.writer.commit([], [eventOf('A')]));
    expect(kept(it)).toBe(10_063);
    await it.world.wait(it.writer.commit([], [eventOf('B')]));
    expect(kept(it)).toBe(10_000);
    expect(it.world.store.machine.list(keys.events)[0]?.key).toBe(eventKey(65));
    expect(it.mirror.firstEvent).toBe(65);
  });

  test('that a refused write would have let go are let go by the next one', async () => {
    const it = await historyBench(10_063);
    it.world.store.setReadOnly('full');
    await it.world.wait(it.writer.commit([], [eventOf('A')]));
    it.world.store.setReadOnly(null);
    await it.world.wait(it.writer.commit([], [eventOf('B')]));
    expect(kept(it)).toBe(10_000);
    expect(it.world.value(eventKey(1))).toBeNull();
  });
});

test('revisions of keys that are gone are forgotten', async () => {
  const it = await writerBench({ kind: 'put', key: 'token/a', value: '1' });
  expect(it.mirror.revisionOf('token/a')).not.toBe(revision(0));
  await it.world.wait(it.writer.commit([], [], { deletes: ['token/a'] }));
  expect(it.mirror.revisionOf('token/a')).toBe(revision(0));
});
