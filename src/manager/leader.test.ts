import { describe, expect, test } from 'vitest';
import { ok } from '../core/problem.ts';
import { LeaderBench } from './testing/leader-bench.ts';
import { caller, ManagerWorld } from './testing/manager-world.ts';
import { fenceOperation, nodeRecord, onlineNode, vmRecord } from './testing/test-objects.ts';

describe('a mutation', () => {
  test('is answered once it is committed, and sees what was committed before it', async () => {
    const it = await LeaderBench.of();
    const [first, second] = [it.create('db', 1), it.create('db', 2)];
    expect(await it.world.wait(first)).toMatchObject({ kind: 'ok' });
    expect(await it.world.wait(second)).toMatchObject({ problem: { code: 'E_NAME_TAKEN' } });
    expect(it.world.vms()).toHaveLength(1);
  });

  test('O12: of two at once the second meets what the first has done', async () => {
    const it = await LeaderBench.of(nodeRecord('node-1'));
    const remove = () =>
      it.leader.mutate((draft) => {
        const node = draft.node(nodeRecord('node-1').id);
        if (node === undefined) return it.gone;
        draft.remove(node);
        return ok(node.id);
      });
    const [first, second] = [remove(), remove()];
    expect(await it.world.wait(first)).toEqual({ kind: 'ok', value: 'node-1' });
    expect(await it.world.wait(second)).toBe(it.gone);
  });

  test('that is only tried leaves the store as it is', async () => {
    const it = await LeaderBench.of();
    const before = it.world.store.machine.revision;
    const tried = await it.world.wait(it.create('db', 1, { dryRun: true }));
    expect(tried).toMatchObject({ kind: 'ok' });
    await it.world.run(5000);
    expect(it.world.store.machine.revision).toBe(before);
  });

  test('is made anew on what was read back when its write got lost', async () => {
    const it = await LeaderBench.of();
    it.world.store.makeNextWriteAmbiguous('m-1', 'lost');
    expect(await it.world.wait(it.create('db', 1))).toMatchObject({ kind: 'ok' });
    expect(it.world.eventCodes().filter((code) => code === 'VM_CREATED')).toHaveLength(1);
  });

  test('is made once when its write happened without an answer', async () => {
    const it = await LeaderBench.of();
    it.world.store.makeNextWriteAmbiguous('m-1', 'evaluated');
    expect(await it.world.wait(it.create('db', 1))).toMatchObject({ kind: 'ok' });
    expect(it.world.eventCodes().filter((code) => code === 'VM_CREATED')).toHaveLength(1);
  });

  test('is told to be of unknown outcome when the leadership ends without an answer', async () => {
    const it = await LeaderBench.of();
    it.bend = { txn: (transaction) => it.unanswered(transaction) };
    expect(await it.world.wait(it.create('db', 1))).toMatchObject({
      problem: { code: 'E_AMBIGUOUS' },
    });
    expect(it.leader.isLeading()).toBe(false);
  });

  test('gives up when the records change each time', async () => {
    const it = await LeaderBench.of(nodeRecord('node-1'));
    let writes = 0;
    it.bend = {
      txn: async (transaction) => {
        writes += 1;
        await it.world.seedNow(nodeRecord('node-1', { cordoned: writes % 2 === 0 }));
        return it.client.txn(transaction);
      },
    };
    const cordon = it.leader.mutate((draft) => {
      draft.put({ ...nodeRecord('node-1'), labels: { a: 'b' } });
      return ok(null);
    });
    expect(await it.world.wait(cordon)).toMatchObject({ problem: { code: 'E_CONFLICT' } });
    expect(writes).toBe(3);
    expect(it.leader.isLeading()).toBe(true);
  });

  test('that waits when the leadership is lost is answered', async () => {
    const it = await LeaderBench.of();
    const waiting = [it.create('db', 1), it.create('web', 2), it.create('mail', 3)];
    it.world.store.expire('m-1');
    const answers = await it.world.wait(Promise.all(waiting), 30_000);
    expect(answers.slice(1)).toMatchObject([
      { problem: { code: 'E_NOT_LEADER' } },
      { problem: { code: 'E_NOT_LEADER' } },
    ]);
  });

  test('that comes after the leadership is answered at once', async () => {
    const it = await LeaderBench.of();
    await it.world.wait(it.leader.stop());
    const answer = await it.world.wait(it.create('db', 1), 1000);
    expect(answer).toMatchObject({ problem: { code: 'E_NOT_LEADER' } });
    expect(it.world.time.pending).toBe(0);
  });

  test('does not keep decisions waiting, however many there are', async () => {
    const it = await LeaderBench.of(nodeRecord('node-1'));
    it.leader.start();
    const decisions = await it.decisions();
    const asked = Array.from({ length: 300 }, (_, index) => it.create(`vm-${index}`, index));
    await it.world.wait(Promise.all(asked));
    expect((await it.decisions()) - decisions).toBeGreaterThanOrEqual(300);
    expect(it.world.log.lines('error')).toEqual([]);
    await it.world.wait(it.leader.stop());
  });
});

describe('a store that takes no writes', () => {
  test('M8: is told, and what was asked for is refused as such', async () => {
    const it = await LeaderBench.of();
    it.leader.start();
    it.world.store.setReadOnly('no space left');
    expect(await it.world.wait(it.create('db', 1))).toMatchObject({
      problem: { code: 'E_STORE_READ_ONLY', because: 'no space left' },
    });
    expect(it.leader.notTaken).toMatchObject({ readOnly: true, because: 'no space left' });
    expect(it.leader.isLeading()).toBe(true);
    it.world.store.setReadOnly(null);
    expect(await it.world.wait(it.create('db', 1))).toMatchObject({ kind: 'ok' });
    expect(it.leader.notTaken).toBeNull();
    await it.world.wait(it.leader.stop());
  });

  test('M8: is tried again once a second, and not more often', async () => {
    const it = await LeaderBench.of(vmRecord(1));
    it.world.store.setReadOnly('no space left');
    it.leader.start();
    await it.world.run(500);
    const before = it.sent.length;
    await it.world.run(10_000);
    expect(it.sent.length - before).toBeGreaterThanOrEqual(9);
    expect(it.sent.length - before).toBeLessThanOrEqual(21);
    it.world.store.setReadOnly(null);
    await it.world.until(() => it.world.vm('vm-1').reason !== null, 3000);
    expect(it.leader.notTaken).toBeNull();
    await it.world.wait(it.leader.stop());
  });

  test('M8: is not told of any more when nothing waits to be written', async () => {
    const it = await LeaderBench.of(vmRecord(1));
    it.world.store.setReadOnly('no space left');
    it.leader.start();
    await it.world.run(1500);
    expect(it.leader.notTaken).not.toBeNull();
    // What was to be written goes away by another hand.
    it.world.store.setReadOnly(null);
    await it.world.seed({ kind: 'delete', key: `vm/${vmRecord(1).id}` });
    it.world.store.setReadOnly('no space left');
    await it.world.wait(it.leader.mirror.load(it.client));
    await it.world.run(3000);
    expect(it.leader.notTaken).toBeNull();
    await it.world.wait(it.leader.stop());
  });

  test('a write that is too large for it is refused as that, and everything else goes on', async () => {
    const it = await LeaderBench.of();
    it.leader.start();
    const xml = `<domain>${'x'.repeat(600 * 1024)}</domain>`;
    const large = it.create('large', 1, {}, { definition: { kind: 'xml', xml } });
    expect(await it.world.wait(large)).toMatchObject({
      problem: { code: 'E_UNAVAILABLE', because: expect.stringContaining('larger than') },
    });
    expect(it.leader.isLeading()).toBe(true);
    expect(await it.world.wait(it.create('db', 2))).toMatchObject({ kind: 'ok' });
    await it.world.wait(it.leader.stop());
  });

  test('leaves no timer behind when the leadership ends meanwhile', async () => {
    const it = await LeaderBench.of(vmRecord(1));
    it.world.store.setReadOnly('no space left');
    it.bend = {
      txn: async (transaction) => {
        await it.world.timersPass(100);
        return it.client.txn(transaction);
      },
    };
    it.leader.start();
    await it.world.run(50);
    const stopped = it.leader.stop();
    await it.world.run(200);
    await it.world.wait(stopped);
    expect(it.world.time.pending).toBe(0);
  });
});

describe('a fence intent', () => {
  test('ends the leases of its incarnation with the decision, before it is committed', async () => {
    const world = new ManagerWorld();
    await world.seed(onlineNode('node-1'), onlineNode('node-2'));
    let isSlow = false;
    let committed = false;
    const seat = await world.lead('m-1', {
      wrapStore: (store) => ({
        ...store,
        txn: async (transaction) => {
          const isIntent = transaction.then.some((write) => write.key.startsWith('fence/'));
          if (isSlow && isIntent) await world.timersPass(3000);
          const outcome = await store.txn(transaction);
          committed ||= isSlow && isIntent;
          return outcome;
        },
      }),
    });
    const agent = await world.agent({ node: 'node-1' });
    const other = await world.agent({ node: 'node-2' });
    await world.until(() => agent.leases > 1 && other.leases > 1);
    isSlow = true;
    const body = { reason: 'test', override: false };
    const asked = seat.manager.service.fenceNode('node-1', body, caller());
    const [before, others, acks] = [agent.leases, other.leases, agent.acks.length];
    await world.run(2500);
    expect(committed).toBe(false);
    expect([agent.leases, agent.acks.length]).toEqual([before, acks + 5]);
    expect(other.leases).toBeGreaterThanOrEqual(others + 4);
    await world.wait(asked);
    await world.run(2000);
    expect([committed, agent.leases]).toEqual([true, before]);
    await world.wait(seat.manager.stop());
  });

  test('that the store does not take leaves the node its leases', async () => {
    const world = new ManagerWorld();
    await world.seed(onlineNode('node-1'));
    const seat = await world.lead();
    const agent = await world.agent({ node: 'node-1' });
    await world.until(() => agent.leases > 1);
    world.store.setReadOnly('no space left');
    const body = { reason: 'test', override: false };
    await world.refused(seat, (service) => service.fenceNode('node-1', body, caller()));
    const before = agent.leases;
    await world.run(2500);
    expect(agent.leases).toBeGreaterThanOrEqual(before + 4);
  });
});

describe('a leadership that another one replaced', () => {
  test('M2: sends and fences nothing when it ran out while a decision was made', async () => {
    const fence = fenceOperation(1, 'node-1', { phase: 'acting' });
    const node = onlineNode('node-1', { phase: 'fencing', fence: fence.id });
    const it = await LeaderBench.of(node, fence);
    const device = it.world.fencing.add('node-1');
    // Valid when the decision begins, and not any more when it is there.
    it.validFor = 1;
    it.leader.start();
    await it.world.run(5000);
    expect(device.calls).toEqual([]);
    expect(it.sent).toEqual([]);
    it.validFor = Infinity;
    it.leader.observed();
    await it.world.until(() => device.calls.length > 0);
    await it.world.wait(it.leader.stop());
  });

  test('M3: ends with its first refused write, and does not spin', async () => {
    const it = await LeaderBench.of();
    it.world.store.expire('m-1', { tell: false });
    const other = it.world.store.connect('m-2');
    const { signal } = new AbortController();
    await it.world.wait(other.campaign({ candidate: 'm-2', signal }));
    const before = it.sent.length;
    expect(await it.world.wait(it.create('db', 1))).toMatchObject({
      problem: { code: 'E_NOT_LEADER' },
    });
    expect(it.sent.length - before).toBe(1);
    expect(it.leader.isLeading()).toBe(false);
  });
});
