import { describe, expect, test } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { LogFailed, LogFull } from '../../src/store/log/log-error.ts';
import { entry, entries, open, reopen, segmentsOf } from './log-harness.ts';

describe('a disk that fails or is full', () => {
  test('after a failed sync nothing more is written, and every call says so', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    disk.inject({ operation: 'datasync', code: 'EIO' });
    log.append({ entries: [entry(1)] });
    await expect(log.sync()).rejects.toBeInstanceOf(LogFailed);
    const before = disk.operations;
    await expect(log.sync()).rejects.toBeInstanceOf(LogFailed);
    expect(() => log.append({ entries: [entry(1)] })).toThrow(LogFailed);
    await expect(log.compactTo(0)).rejects.toBeInstanceOf(LogFailed);
    expect(disk.operations).toBe(before);
  });

  test('even ENOSPC is fatal when a sync says it', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    disk.inject({ operation: 'datasync', code: 'ENOSPC' });
    log.append({ entries: [entry(1)] });
    await expect(log.sync()).rejects.toBeInstanceOf(LogFailed);
  });

  test('M8: what did not fit is not in the log, not even after a crash, and the log goes on', async () => {
    for (const content of ['none', 'all', 'torn'] as const) {
      // 0.9: of a torn truncation nothing survives, of a torn write nearly all.
      const disk = new SimDisk({ fraction: () => 0.9 });
      const { log } = await open(disk, 4000);
      log.append({ entries: [entry(1)] });
      await log.sync();
      // The first of the two entries fits as a whole.
      disk.setCapacity(disk.usedBytes + 70);
      log.append({ entries: entries(2, 3) });
      await expect(log.sync()).rejects.toBeInstanceOf(LogFull);
      expect(log.lastIndex).toBe(1);
      disk.setCapacity(Number.POSITIVE_INFINITY);
      if (content === 'none') {
        log.append({ entries: [entry(2, 3)] });
        await log.sync();
      }
      disk.crash({ content, names: 'all' });
      const terms = (await open(disk)).log.readFrom(1).map(({ term }) => term);
      expect(terms).toEqual(content === 'none' ? [1, 3] : [1]);
    }
  });

  test('what was queued behind entries that did not fit is rejected with them', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk, 4000);
    disk.setCapacity(disk.usedBytes + 20);
    log.append({ entries: [entry(1)] });
    const first = log.sync();
    await Promise.resolve();
    await Promise.resolve();
    log.append({ entries: [entry(2)] });
    const second = log.sync();
    await expect(first).rejects.toBeInstanceOf(LogFull);
    await expect(second).rejects.toBeInstanceOf(LogFull);
    disk.setCapacity(Number.POSITIVE_INFINITY);
    log.append({ entries: [entry(1)] });
    await log.sync();
    expect(log.lastIndex).toBe(1);
  });

  test('a new segment that does not fit leaves the old one in use', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk, 200);
    for (const one of entries(1, 2)) {
      log.append({ entries: [one] });
      await log.sync();
    }
    disk.setCapacity(disk.usedBytes + 10);
    log.append({ entries: [entry(3)] });
    await expect(log.sync()).rejects.toBeInstanceOf(LogFull);
    expect(segmentsOf(disk)).toHaveLength(1);
    disk.setCapacity(Number.POSITIVE_INFINITY);
    log.append({ entries: [entry(3)] });
    await log.sync();
    expect(segmentsOf(disk)).toHaveLength(2);
    expect((await reopen(disk)).log.lastIndex).toBe(3);
  });
});
