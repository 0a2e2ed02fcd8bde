import { expect, test } from 'vitest';
import { LogRing } from '../chaos/sim/log.ts';
import { SimDisk } from '../chaos/sim/disk.ts';
import { VirtualTime } from '../chaos/sim/virtual-time.ts';
import type { Env } from '../src/env/env.ts';
import { readStateFile, StateFile } from './state-file.ts';
import { begun, raised } from './state-format.ts';

const owner = { clusterId: 'c', node: 'node-1', bootId: 'boot' };
const path = '/data/agent-state';

function entry(operation: string, vm: string, token: number) {
  return { operation, kind: 'start' as const, vm, token, incarnation: 'boot.1' };
}

class Bench {
  readonly time = new VirtualTime();
  readonly disk = new SimDisk({
    timers: { after: (delayMs, run) => this.time.schedule(delayMs, run) },
    latencyMs: () => 1,
  });
  /** What the file needs of the world. */
  readonly options = {
    env: {
      disk: this.disk,
      log: new LogRing(this.time).from('agent'),
      timers: { after: (delayMs: number, run: () => void) => this.time.schedule(delayMs, run) },
    } as unknown as Env,
    path,
    retryMs: 1000,
  };

  async open(incarnation: string): Promise<StateFile> {
    const previous = await this.settle(readStateFile(this.options, owner));
    return new StateFile(this.options, { ...owner, incarnation }, previous);
  }

  async settle<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.time.runUntil(() => isSettled, 10_000);
    return promise;
  }
}

async function bench(): Promise<Bench> {
  const made = new Bench();
  await made.settle(made.disk.makeDirectory('/data'));
  await made.settle(made.disk.syncDirectory('/'));
  return made;
}

test('changes made during one write go into the next one together', async () => {
  const made = await bench();
  const file = await made.open('boot.1');
  const before = made.disk.operations;
  const changes = Array.from({ length: 50 }, (_, index) =>
    file.update((state) => begun(state, 1, entry(`op-${index}`, `vm-${index}`, 1))),
  );
  expect(await made.settle(Promise.all(changes))).toHaveLength(50);
  expect(made.disk.operations - before).toBeLessThan(20);
});

test('a change counts for the checks at once, and not any more when it could not be written', async () => {
  const made = await bench();
  const file = await made.open('boot.1');
  await made.settle(file.update((state) => state));
  made.disk.inject({ operation: 'datasync', path, code: 'EIO' });
  const change = file.update((state) => begun(state, 1, entry('op', 'vm-a', 7)));
  expect(file.tokenSeen('vm-a')).toBe(7);
  expect(file.covers({ epoch: 0, vm: 'vm-a', token: 7 })).toBe(false);
  expect(await made.settle(change)).toMatchObject({ kind: 'failed' });
  expect(file.tokenSeen('vm-a')).toBeNull();
  expect(file.degraded).toContain('EIO');
});

test('an epoch that could not be written stays met, and is written with the next success', async () => {
  const made = await bench();
  const file = await made.open('boot.1');
  await made.settle(file.update((state) => state));
  made.disk.inject({ operation: 'rename', path, code: 'EROFS' });
  file.meetEpoch(7);
  await made.time.runFor(100);
  expect(file.epochSeen).toBe(7);
  expect(file.covers({ epoch: 7 })).toBe(false);
  await made.time.runFor(1000);
  expect(file.degraded).toBeNull();
  expect(file.covers({ epoch: 7 })).toBe(true);
});

test('what was durable survives a power loss at any disk operation; the rest is all or nothing', async () => {
  for (const takesEffect of [false, true]) {
    for (let at = 1; at <= 12; at += 1) {
      const made = await bench();
      const file = await made.open('boot.1');
      const first = file.update((state) => raised(state, { epoch: 3, vm: 'vm-a', token: 1 }));
      expect((await made.settle(first)).kind).toBe('durable');
      void made.disk
        .stopAt({ n: at, takesEffect })
        .then(() => made.disk.crash({ content: 'none', names: 'none' }));
      let later = 'unknown';
      void file
        .update((state) => raised(state, { epoch: 4, vm: 'vm-a', token: 2 }))
        .then(({ kind }) => (later = kind));
      await made.time.runFor(100);
      // When the write had fewer operations, power is lost after its end.
      made.disk.clearFaults();
      made.disk.crash({ content: 'none', names: 'none' });
      const again = await made.open('boot.2');
      const token = again.tokenSeen('vm-a');
      expect(later === 'durable' ? [2] : [1, 2]).toContain(token);
      expect(again.epochSeen).toBe(token === 2 ? 4 : 3);
    }
  }
});

test('starts left under way in the same boot are told, those of another boot are not', async () => {
  const made = await bench();
  const file = await made.open('boot.1');
  await made.settle(file.update((state) => begun(state, 1, entry('op', 'vm-a', 1))));
  const same = await made.settle(readStateFile(made.options, owner));
  expect(new StateFile(made.options, { ...owner, incarnation: 'boot.2' }, same).leftover).toEqual([
    entry('op', 'vm-a', 1),
  ]);
  const other = { ...owner, bootId: 'later', incarnation: 'later.1' };
  expect(new StateFile(made.options, other, same).leftover).toEqual([]);
});

test('a closed file takes no more changes', async () => {
  const made = await bench();
  const file = await made.open('boot.1');
  await made.settle(file.close());
  const result = await made.settle(file.update((state) => state));
  expect(result.kind).toBe('failed');
});
