import { describe, expect, it } from 'vitest';
import { DeviceQueues } from './device-queue.ts';
import { VirtualEnv } from './testing/virtual-env.ts';

function setUp() {
  const world = new VirtualEnv();
  const queues = new DeviceQueues(world.env);
  const log: string[] = [];
  const task = (name: string, durationMs: number) => async (): Promise<string> => {
    log.push(`${name} begins at ${world.nowMs}`);
    await new Promise<void>((resolve) => {
      world.env.timers.after(durationMs, resolve);
    });
    log.push(`${name} ends at ${world.nowMs}`);
    return name;
  };
  return { world, queues, log, task };
}

describe('DeviceQueues', () => {
  it('B10: runs one task of a device at a time, in order, and other devices beside it', async () => {
    const { world, queues, log, task } = setUp();
    const all = Promise.all([
      queues.read({ address: 'a' }, task('a1', 100)),
      queues.read({ address: 'a' }, task('a2', 100)),
      queues.read({ address: 'b' }, task('b1', 50)),
    ]);
    expect(await world.settle(all)).toEqual(['a1', 'a2', 'b1']);
    expect(log).toEqual([
      'a1 begins at 0',
      'b1 begins at 0',
      'b1 ends at 50',
      'a1 ends at 100',
      'a2 begins at 100',
      'a2 ends at 200',
    ]);
  });

  it('keeps the interval between two commands, and lets readings through meanwhile', async () => {
    const { world, queues, log, task } = setUp();
    const all = Promise.all([
      queues.command({ address: 'a', device: 'a' }, 5000, task('off', 100)),
      queues.command({ address: 'a', device: 'a' }, 5000, task('on', 100)),
    ]);
    await world.advance(1000);
    const read = queues.read({ address: 'a' }, task('read', 10));
    await world.settle(Promise.all([all, read]));
    expect(log.filter((line) => line.includes('begins'))).toEqual([
      'off begins at 0',
      'read begins at 1000',
      'on begins at 5100',
    ]);
  });

  it('a command goes before readings that wait, and looking after a device comes last', async () => {
    const { world, queues, log, task } = setUp();
    const lane = { address: 'a', device: 'a' };
    const all = Promise.all([
      queues.read(lane, task('first', 100)),
      queues.read(lane, task('check', 10), 'care'),
      queues.read(lane, task('reading', 10)),
    ]);
    await world.advance(50);
    const off = queues.command(lane, 5000, task('off', 10));
    await world.settle(Promise.all([all, off]));
    expect(log.filter((line) => line.includes('begins'))).toEqual([
      'first begins at 0',
      'off begins at 100',
      'reading begins at 110',
      'check begins at 120',
    ]);
  });

  it('two plugs of one address are told one after the other, without an interval between them', async () => {
    const { world, queues, log, task } = setUp();
    const off = (device: string) =>
      queues.command({ address: 'pdu', device }, 5000, task(device, 100));
    await world.settle(Promise.all([off('plug 1'), off('plug 2')]));
    expect(log.filter((line) => line.includes('begins'))).toEqual([
      'plug 1 begins at 0',
      'plug 2 begins at 100',
    ]);
  });

  it('a failing task does not stop the next one', async () => {
    const { world, queues, task } = setUp();
    const failing = queues.read({ address: 'a' }, () => Promise.reject(new Error('boom')));
    const next = queues.read({ address: 'a' }, task('next', 1));
    await expect(failing).rejects.toThrow('boom');
    expect(await world.settle(next)).toBe('next');
  });
});
