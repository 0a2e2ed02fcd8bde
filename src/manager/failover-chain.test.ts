import { expect, test } from 'vitest';
import type { FailoverRecord } from '../core/model/failover.ts';
import { StoreUnavailable } from '../store/store.ts';
import { keys } from './keys.ts';
import { chainOf, ended, failovers } from './testing/failover-chain.ts';
import type { ManagerWorld } from './testing/manager-world.ts';
import { failoverRecord } from './testing/test-objects.ts';
import { put, writerBench, writerIn } from './testing/writer-bench.ts';

test('a failover that ends is sealed and chained to the one that ended before it', async () => {
  const it = await writerBench(failoverRecord(1, 'node-1'), failoverRecord(2, 'node-1'));
  await it.world.wait(it.writer.commit([put(ended(2))], []));
  await it.world.wait(it.writer.commit([put(ended(1, { outcome: 'cancelled' }))], []));
  expect(chainOf(it.world)).toEqual(['FO-2', 'FO-1']);
  expect(failovers(it.world).find(({ id }) => id === 'FO-2')?.previousHash).toBe('');
});

test('two that end with one write are chained in order', async () => {
  const it = await writerBench();
  await it.world.wait(it.writer.commit([put(ended(1)), put(ended(2)), put(ended(3))], []));
  expect(chainOf(it.world)).toEqual(['FO-1', 'FO-2', 'FO-3']);
});

test('the mirror knows the seal too, so the next write of the record keeps it', async () => {
  const it = await writerBench();
  await it.world.wait(it.writer.commit([put(ended(1))], []));
  const [inMirror] = it.mirror.failovers.values();
  expect(inMirror).toEqual(failovers(it.world)[0]);
  if (inMirror !== undefined) await it.world.wait(it.writer.commit([put(inMirror)], []));
  expect(chainOf(it.world)).toEqual(['FO-1']);
});

test('an open failover is not sealed', async () => {
  const it = await writerBench();
  await it.world.wait(it.writer.commit([put(failoverRecord(1, 'node-1'))], []));
  expect(failovers(it.world)).toMatchObject([{ hash: null, previousHash: null }]);
  expect(it.world.value(keys.chain)).toBeNull();
});

test('M1: the next leader chains on where the last one ended', async () => {
  const it = await writerBench();
  await it.world.wait(it.writer.commit([put(ended(1))], []));
  it.world.store.expire('m-1');
  const next = await writerIn(it.world, 'm-2');
  await it.world.wait(next.writer.commit([put(ended(2))], []));
  expect(chainOf(it.world)).toEqual(['FO-1', 'FO-2']);
});

test('a seal whose write got lost leaves no gap', async () => {
  const it = await writerBench();
  it.world.store.makeNextWriteAmbiguous('m-1', 'lost');
  expect(await it.world.wait(it.writer.commit([put(ended(1))], []))).toEqual({ kind: 'again' });
  await it.world.wait(it.writer.commit([put(ended(2))], []));
  it.world.store.makeNextWriteAmbiguous('m-1', 'evaluated');
  await it.world.wait(it.writer.commit([put(ended(3))], []));
  expect(chainOf(it.world)).toEqual(['FO-2', 'FO-3']);
});

test('nothing is sent while the end of the chain cannot be read; it is sealed afterwards', async () => {
  const it = await writerBench(failoverRecord(1, 'node-1'));
  it.bend = { get: () => Promise.reject(new StoreUnavailable('no quorum')) };
  const outcome = await it.world.wait(it.writer.commit([put(ended(1))], []));
  expect(outcome).toMatchObject({ kind: 'notTaken', readOnly: false });
  expect([it.sent.length, it.leadership.isValid()]).toEqual([0, true]);
  expect(failovers(it.world)).toMatchObject([{ outcome: 'open', hash: null }]);
  it.bend = {};
  expect(await it.world.wait(it.writer.commit([put(ended(1))], []))).toEqual({ kind: 'committed' });
  expect(chainOf(it.world)).toEqual(['FO-1']);
});

test('the checker of these tests sees a record that was changed, removed or put in between', async () => {
  const broken = async (change: (world: ManagerWorld, first: FailoverRecord) => Promise<void>) => {
    const it = await writerBench();
    await it.world.wait(it.writer.commit([put(ended(1)), put(ended(2))], []));
    const [first] = failovers(it.world);
    if (first === undefined) throw new Error('no record');
    await change(it.world, first);
    return chainOf(it.world);
  };
  const lastSeenAt = '2026-01-01T00:00:00.000Z';
  expect(await broken((world, first) => world.seed({ ...first, lastSeenAt }))).toMatch('changed');
  expect(await broken((world) => world.seed({ kind: 'delete', key: 'failover/FO-1' }))).toMatch(
    'nothing follows',
  );
  expect(
    await broken((world, { hash }) =>
      world.seed(ended(3, { previousHash: hash, hash: 'f'.repeat(64) })),
    ),
  ).toMatch(/changed|nothing follows/);
});
