import { describe, expect, test } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { LogFailed } from '../../src/store/log/log-error.ts';
import { StoreDamaged } from '../../src/store/store-damaged.ts';
import { entry, entries, open, reopen, segmentsOf } from './log-harness.ts';

describe('opening', () => {
  test('what a killed predecessor wrote without sync is durable before anybody reads it', async () => {
    const disk = new SimDisk();
    const { log, view } = await open(disk);
    // The write happens, the sync does not; the kernel lives on.
    const stopped = disk.stopAt({ n: 1, operation: 'datasync', takesEffect: false });
    log.append({ entries: [entry(1)] });
    void log.sync();
    await stopped;
    view.kill();
    expect((await open(disk)).log.lastIndex).toBe(1);
    expect((await reopen(disk)).log.lastIndex).toBe(1);
  });

  test('what a failed sync left in the page cache is written again before anybody reads it', async () => {
    const disk = new SimDisk();
    const { log, view } = await open(disk);
    disk.inject({ operation: 'datasync', code: 'EIO' });
    log.append({ entries: [entry(1)] });
    await expect(log.sync()).rejects.toBeInstanceOf(LogFailed);
    view.kill();
    expect((await open(disk)).log.lastIndex).toBe(1);
    expect((await reopen(disk)).log.lastIndex).toBe(1);
  });

  test('a torn end is cut off the file, and the log says so', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: entries(1, 2) });
    await log.sync();
    const [path = ''] = segmentsOf(disk);
    const whole = disk.content(path);
    disk.place(path, whole.slice(0, -1));
    const { log: again, lines } = await reopen(disk);
    expect(again.lastIndex).toBe(1);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ segment: path }),
      }),
    ]);
    expect(disk.content(path).length).toBeLessThan(whole.length - 20);
  });

  test('after a clean end a damaged last record is no torn write', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: [entry(1)] });
    await log.sync();
    const [path = ''] = segmentsOf(disk);
    const end = disk.content(path).length;
    await log.close();
    disk.flip(path, end - 1);
    await expect(reopen(disk)).rejects.toMatchObject({ code: 'STORE_LOG_DAMAGED' });
  });

  test('a whole record that is missing in the middle is noticed', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    const ends: number[] = [];
    const [path = ''] = segmentsOf(disk);
    for (const state of [1, 2, 3]) {
      log.append({ entries: [], hardState: { term: state, vote: 0, commit: 0 } });
      await log.sync();
      ends.push(disk.content(path).length);
    }
    const whole = disk.content(path);
    const [first = 0, second = 0] = ends;
    disk.place(path, new Uint8Array([...whole.slice(0, first), ...whole.slice(second)]));
    await expect(reopen(disk)).rejects.toMatchObject({ code: 'STORE_LOG_DAMAGED' });
  });

  test('an intact record of another history in the place of ours is noticed', async () => {
    const make = async (first: number) => {
      const disk = new SimDisk();
      const { log } = await open(disk);
      const [path = ''] = segmentsOf(disk);
      const ends: number[] = [];
      for (const term of [first, 8, 9]) {
        log.append({ entries: [], hardState: { term, vote: 0, commit: 0 } });
        await log.sync();
        ends.push(disk.content(path).length);
      }
      return { disk, path, ends, content: disk.content(path) };
    };
    const ours = await make(1);
    const [first = 0, second = 0] = ours.ends;
    const mixed = ours.content.slice();
    mixed.set((await make(2)).content.subarray(first, second), first);
    ours.disk.place(ours.path, mixed);
    await expect(reopen(ours.disk)).rejects.toMatchObject({ code: 'STORE_LOG_DAMAGED' });
  });

  test('parts of one unsynced write that reached the disk out of order are a torn write', async () => {
    // Draws: the length is new, the first sector with new bytes is old, all others are new.
    const draws = [0.9, 0.1];
    const disk = new SimDisk({ fraction: () => draws.shift() ?? 0.9 });
    const { log } = await open(disk, 10_000);
    const stopped = disk.stopAt({ n: 1, operation: 'datasync', takesEffect: false });
    log.append({ entries: [1, 2, 3].map((index) => entry(index, 1, 'x'.repeat(700))) });
    void log.sync();
    await stopped;
    disk.crash({ content: 'random', names: 'all' });
    const [path = ''] = segmentsOf(disk);
    expect(disk.content(path).length).toBeGreaterThan(2000);
    expect(disk.content(path).subarray(600, 700)).toEqual(new Uint8Array(100).fill(120));
    expect((await open(disk)).log.lastIndex).toBe(0);
  });

  test('a log of another node, another cluster or another format is left alone', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    await log.close();
    const [path = ''] = segmentsOf(disk);
    const before = disk.content(path);
    for (const who of [
      { clusterId: 'cluster-1', nodeName: 'node-2' },
      { clusterId: 'cluster-2', nodeName: 'node-1' },
    ]) {
      const failure = await open(disk, 400, who).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StoreDamaged);
      expect(failure).toMatchObject({ code: 'STORE_WRONG_OWNER' });
    }
    expect(disk.content(path)).toEqual(before);
  });

  test('a missing segment, a segment under a wrong name and snapshots alone are refused', async () => {
    const make = async () => {
      const disk = new SimDisk();
      const { log, view } = await open(disk, 150);
      for (const one of entries(1, 9)) {
        log.append({ entries: [one] });
        await log.sync();
      }
      return { disk, view, paths: segmentsOf(disk) };
    };
    const missing = await make();
    await missing.view.remove(missing.paths[1] ?? '');
    await expect(open(missing.disk)).rejects.toMatchObject({ code: 'STORE_LOG_DAMAGED' });
    const renamed = await make();
    const [first = '', second = ''] = renamed.paths;
    const content = renamed.disk.content(first);
    renamed.disk.place(first, renamed.disk.content(second));
    renamed.disk.place(second, content);
    await expect(open(renamed.disk)).rejects.toMatchObject({ code: 'STORE_LOG_DAMAGED' });
    const alone = new SimDisk();
    alone.place('/log/snapshot-0000000000000001.snap', new Uint8Array(10));
    await expect(open(alone)).rejects.toMatchObject({ code: 'STORE_LOG_DAMAGED' });
  });

  test('files of an unfinished rotation or snapshot are removed', async () => {
    const disk = new SimDisk();
    await open(disk);
    disk.place('/log/log-0000000000000002.seg.tmp', new Uint8Array(9));
    disk.place('/log/snapshot-0000000000000007.snap.tmp', new Uint8Array(9));
    disk.place('/log/notes.tmp', new Uint8Array(9));
    await open(disk);
    expect(disk.paths().filter((path) => path.endsWith('.tmp'))).toEqual(['/log/notes.tmp']);
  });
});
