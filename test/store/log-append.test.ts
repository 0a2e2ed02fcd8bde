import { describe, expect, test } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { entry, entries, textsOf, chunk, open, reopen, segmentsOf } from './log-harness.ts';

describe('append and sync', () => {
  test('entries and hard state come back after a crash', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: entries(1, 3), hardState: { term: 4, vote: 2, commit: 3 } });
    await log.sync();
    const again = (await reopen(disk)).log;
    expect(textsOf(again.readFrom(1))).toEqual(textsOf(entries(1, 3)));
    expect(again.readFrom(2)[0]).toEqual(entry(2));
    expect(again.hardState).toEqual({ term: 4, vote: 2, commit: 3 });
    expect([again.firstIndex, again.lastIndex, again.termAt(3), again.termAt(4)]).toEqual([
      1,
      3,
      1,
      null,
    ]);
  });

  test('what was not synced is not read, and is gone after a crash', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: [entry(1)] });
    await log.sync();
    log.append({ entries: [entry(2)] });
    expect(log.lastIndex).toBe(1);
    expect((await reopen(disk)).log.lastIndex).toBe(1);
  });

  test('the size that is told is that of the files, before and after a restart', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk, 120);
    for (let index = 1; index <= 9; index++) {
      log.append({ entries: [entry(index)] });
      await log.sync();
    }
    const ofFiles = (): number =>
      segmentsOf(disk).reduce((sum, path) => sum + disk.content(path).length, 0);
    expect(segmentsOf(disk).length).toBeGreaterThan(2);
    expect([log.totalBytes, log.writeErrors]).toEqual([ofFiles(), 0]);
    expect((await reopen(disk)).log.totalBytes).toBe(ofFiles());
  });

  test('a write that finds no space counts as an error', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    disk.setCapacity(disk.usedBytes);
    log.append({ entries: [entry(1)] });
    await expect(log.sync()).rejects.toThrow(/full|space/i);
    expect(log.writeErrors).toBe(1);
  });

  test('a conflicting tail is replaced, now and after a restart', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk, 120);
    log.append({ entries: entries(1, 6, 1) });
    await log.sync();
    log.append({ entries: entries(4, 5, 2) });
    await log.sync();
    for (const one of [log, (await reopen(disk)).log]) {
      expect(one.readFrom(1).map(({ index, term }) => [index, term])).toEqual([
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 2],
        [5, 2],
      ]);
    }
  });

  test('a tail is replaced also while it waits for the disk', async () => {
    const { log } = await open(new SimDisk());
    log.append({ entries: entries(1, 3, 1) });
    log.append({ entries: [entry(2, 2)] });
    await log.sync();
    expect(log.readFrom(1).map(({ term }) => term)).toEqual([1, 2]);
  });

  test('a gap and a rewrite of what is compacted are bugs of the caller', async () => {
    const { log } = await open(new SimDisk());
    log.append({ entries: entries(1, 3) });
    expect(() => log.append({ entries: [entry(5)] })).toThrow(RangeError);
    await log.sync();
    await log.saveSnapshot({ index: 2, term: 1, chunks: chunk('state') });
    await log.compactTo(2);
    expect(() => log.append({ entries: [entry(2, 2)] })).toThrow(RangeError);
    expect(() => log.readFrom(2)).toThrow(RangeError);
    await expect(log.compactTo(3)).rejects.toThrow('no snapshot');
  });

  test('callers of one turn share one write and one sync; later ones share the next', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk, 10_000);
    const before = disk.operations;
    await Promise.all(
      entries(1, 10).map((one) => {
        log.append({ entries: [one] });
        return log.sync();
      }),
    );
    expect(disk.operations - before).toBe(2);
    log.append({ entries: [entry(11)] });
    const first = log.sync();
    // The round above has begun once its first microtask ran.
    await Promise.resolve();
    await Promise.resolve();
    log.append({ entries: [entry(12)] });
    log.append({ entries: [entry(13)] });
    await Promise.all([first, log.sync(), log.sync()]);
    expect(disk.operations - before).toBe(6);
    expect(log.lastIndex).toBe(13);
  });

  test('a sync with nothing to write touches no disk', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    const before = disk.operations;
    await log.sync();
    expect(disk.operations).toBe(before);
  });

  test('a read is cut at the wanted size but gives at least one entry', async () => {
    const { log } = await open(new SimDisk());
    log.append({ entries: entries(1, 5) });
    await log.sync();
    const [first] = log.readFrom(2, 1);
    expect([log.readFrom(2, 1).length, first?.index]).toEqual([1, 2]);
    expect(log.readFrom(2, 2 * (first?.bytes.length ?? 0))).toHaveLength(2);
    expect(log.readFrom(6)).toEqual([]);
  });
});
