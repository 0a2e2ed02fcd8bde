import { describe, expect, test } from 'vitest';
import { keyOf } from '../core/cluster-state.ts';
import { epoch, revision, token } from '../core/model/ids.ts';
import { defaultSettings } from '../core/model/settings.ts';
import type { Change } from '../core/plan.ts';
import { eventKey, keys, secretKey } from './keys.ts';
import { Mirror } from './mirror.ts';
import { ManagerWorld, type Seed } from './testing/manager-world.ts';
import {
  failoverRecord,
  fenceOperation,
  incarnationOf,
  nodeRecord,
  onlineNode,
  runningVm,
  vmRecord,
} from './testing/test-objects.ts';
import { eventOf, put, writerBench } from './testing/writer-bench.ts';

const writesOf = (changes: readonly Change[]) =>
  changes.map((change) =>
    change.kind === 'put'
      ? ({ kind: 'put', key: keyOf(change.object), value: '' } as const)
      : change,
  );

describe('a loaded mirror', () => {
  test('holds every object of the store, and revisions of every key', async () => {
    const settings = { ...defaultSettings('fast'), maxLostShare: 0.25 };
    const it = await writerBench(
      settings,
      { kind: 'counters', fence: 7, token: token(3) },
      onlineNode('node-1'),
      runningVm(1, 'node-1'),
      fenceOperation(1, 'node-1'),
      failoverRecord(1, 'node-1'),
      { kind: 'put', key: secretKey('node-1', 'node-1/bmc'), value: '{"password":"x"}' },
    );
    const { mirror } = it;
    expect(mirror.settings).toEqual(settings);
    expect(mirror.counters.fence).toBe(7);
    const sizes = [mirror.nodes, mirror.vms, mirror.fences, mirror.failovers].map(
      (all) => all.size,
    );
    expect(sizes).toEqual([1, 1, 1, 1]);
    expect(mirror.revisionOf('settings')).toBeGreaterThan(0);
    expect(mirror.revisionOf(secretKey('node-1', 'node-1/bmc'))).toBeGreaterThan(0);
    expect(mirror.revisionOf('vm/none')).toBe(revision(0));
  });

  test('leaves alone what it does not know: other kinds, secrets, tokens, the leadership', async () => {
    const it = await writerBench(
      { kind: 'put', key: 'quorum/a', value: '{"kind":"quorum"}' },
      { kind: 'put', key: 'token/a', value: '{"kind":"node","id":"mallory"}' },
      { kind: 'put', key: 'secret/a/b', value: 'not JSON' },
    );
    expect([it.mirror.nodes.size, it.mirror.vms.size]).toEqual([0, 0]);
    expect(it.mirror.revisionOf('quorum/a')).toBeGreaterThan(0);
  });

  test('numbers go on after the last event that is kept', async () => {
    const it = await writerBench({ kind: 'put', key: eventKey(41), value: '{}' });
    expect([it.mirror.firstEvent, it.mirror.nextEvent]).toEqual([41, 42]);
    const empty = await writerBench();
    expect([empty.mirror.firstEvent, empty.mirror.nextEvent]).toEqual([1, 1]);
  });

  test('has the settings it was given until the store has some', async () => {
    const world = new ManagerWorld();
    const store = world.store.connect('m');
    const mirror = new Mirror(epoch(1), world.clock, defaultSettings('conservative'));
    await world.wait(mirror.load(store));
    expect(mirror.settings.profile).toBe('conservative');
    await world.seed(defaultSettings('fast'));
    await world.wait(mirror.load(store));
    expect(mirror.settings.profile).toBe('fast');
  });
});

describe('since when a phase lasts', () => {
  const at = async (seeds: readonly Seed[]) => {
    const it = await writerBench(...seeds);
    const apply = (...changes: Change[]): void =>
      it.mirror.apply(changes, writesOf(changes), revision(99));
    const reload = () => it.world.wait(it.mirror.load(it.client));
    const vmSince = () => it.mirror.vmPhaseSinceMs.get(vmRecord(1).id);
    const fenceSince = () => it.mirror.fencePhaseSince.get(fenceOperation(1, 'n').id);
    const nowMs = () => it.world.clock.monotonicMs();
    return { ...it, apply, reload, vmSince, fenceSince, nowMs };
  };

  test('a VM: from the write that put it there, not from later writes in the same phase', async () => {
    const it = await at([vmRecord(1, { phase: 'backoff' })]);
    await it.world.run(1000);
    it.apply(put(vmRecord(1, { phase: 'stopped' })));
    const since = it.nowMs();
    expect(it.vmSince()).toBe(since);
    await it.world.run(1000);
    it.apply(put(vmRecord(1, { phase: 'stopped', reason: 'waits' })));
    expect(it.vmSince()).toBe(since);
  });

  test('a VM: a reload does not begin the phase anew', async () => {
    const it = await at([vmRecord(1, { phase: 'failed' })]);
    const since = it.vmSince();
    await it.world.run(5000);
    await it.reload();
    expect(it.vmSince()).toBe(since);
  });

  test('a VM: a reload that shows another phase begins it', async () => {
    const it = await at([vmRecord(1, { phase: 'failed' })]);
    await it.world.run(5000);
    await it.world.seed(vmRecord(1, { phase: 'stopped' }));
    await it.reload();
    expect(it.vmSince()).toBe(it.nowMs());
  });

  test('a fence operation: from its commit, by both clocks, over reloads', async () => {
    const it = await at([onlineNode('node-1')]);
    await it.world.run(1000);
    it.apply(put(fenceOperation(1, 'node-1')));
    const since = { ms: it.nowMs(), wall: it.world.clock.wallIso() };
    expect(it.fenceSince()).toEqual(since);
    await it.world.seed(fenceOperation(1, 'node-1'));
    await it.world.run(2000);
    await it.reload();
    expect(it.fenceSince()).toEqual(since);
    it.apply(put(fenceOperation(1, 'node-1', { phase: 'acting' })));
    expect(it.fenceSince()?.ms).toBe(it.nowMs());
  });

  test('an incarnation: from when it was admitted, over other changes of the node and reloads', async () => {
    const it = await at([nodeRecord('node-1')]);
    const node = nodeRecord('node-1').id;
    const sinceOf = () => it.mirror.incarnationSince.get(node);
    expect(sinceOf()).toMatchObject({ incarnation: null });
    await it.world.run(1000);
    it.apply(put(onlineNode('node-1')));
    const admitted = { incarnation: incarnationOf('node-1').id, ms: it.nowMs() };
    expect(sinceOf()).toEqual(admitted);
    await it.world.run(1000);
    it.apply(put(onlineNode('node-1', { cordoned: true })));
    await it.world.seed(onlineNode('node-1', { cordoned: true }));
    await it.reload();
    expect(sinceOf()).toEqual(admitted);
    const next = incarnationOf('node-1', 1, 2);
    it.apply(put(onlineNode('node-1', { incarnation: next })));
    expect(sinceOf()).toEqual({ incarnation: next.id, ms: it.nowMs() });
  });

  test('is forgotten with the object', async () => {
    const it = await at([vmRecord(1), fenceOperation(1, 'node-1'), onlineNode('node-1')]);
    const removed = ['vm/' + vmRecord(1).id, 'fence/F-1', 'node/node-1'];
    await it.world.seed(...removed.map((key) => ({ kind: 'delete' as const, key })));
    await it.reload();
    const { vmPhaseSinceMs, fencePhaseSince, incarnationSince } = it.mirror;
    expect([vmPhaseSinceMs.size, fencePhaseSince.size, incarnationSince.size]).toEqual([0, 0, 0]);
  });
});

test('what is deleted is gone from the mirror as from the store', async () => {
  const it = await writerBench(
    onlineNode('node-1'),
    vmRecord(1),
    fenceOperation(1, 'node-1'),
    failoverRecord(1, 'node-1'),
  );
  const keysOf = ['node/node-1', `vm/${vmRecord(1).id}`, 'fence/F-1', 'failover/FO-1'];
  const deletes = keysOf.map((key) => ({ kind: 'delete' as const, key }));
  await it.world.wait(it.writer.commit(deletes, [eventOf('GONE')]));
  const { mirror } = it;
  const sizes = [mirror.nodes, mirror.vms, mirror.fences, mirror.failovers].map((all) => all.size);
  expect(sizes).toEqual([0, 0, 0, 0]);
  expect(keysOf.map((key) => mirror.revisionOf(key))).toEqual([0, 0, 0, 0]);
  expect(mirror.revisionOf(keys.barrier)).toBeGreaterThan(0);
});
