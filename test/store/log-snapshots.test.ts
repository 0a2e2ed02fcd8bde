import { describe, expect, test } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import {
  entry,
  entries,
  textsOf,
  chunk,
  open,
  reopen,
  segmentsOf,
  snapshotsOf,
} from './log-harness.ts';

describe('segments and snapshots', () => {
  async function grown(disk: SimDisk, segmentBytes: number) {
    const opened = await open(disk, segmentBytes);
    const { log } = opened;
    for (let index = 1; index <= 30; index += 1) {
      const hardState = { term: 1, vote: 1, commit: 1 };
      log.append(index === 1 ? { entries: [entry(1)], hardState } : { entries: [entry(index)] });
      await log.sync();
      if (index % 10 === 0) {
        await log.saveSnapshot({ index, term: 1, chunks: chunk(`state at ${index}`) });
        await log.compactTo(index);
      }
    }
    return opened;
  }

  test('old segments go, two snapshots stay, the hard state outlives its segment', async () => {
    const disk = new SimDisk();
    await grown(disk, 300);
    expect(snapshotsOf(disk)).toEqual([
      '/log/snapshot-0000000000000020.snap',
      '/log/snapshot-0000000000000030.snap',
    ]);
    expect(segmentsOf(disk)).not.toContain('/log/log-0000000000000001.seg');
    const { log, snapshot } = await reopen(disk, 300);
    expect(snapshot).toMatchObject({ index: 30, term: 1 });
    expect(new TextDecoder().decode(snapshot?.chunks[0])).toBe('state at 30');
    expect(log.hardState).toEqual({ term: 1, vote: 1, commit: 1 });
    expect([log.lastIndex, log.termAt(30)]).toEqual([30, 1]);
  });

  test('with the newest snapshot damaged or missing the older one and the log bring all back', async () => {
    // Segment sizes at which marks fall to the end, the start and the middle of a segment.
    for (let segmentBytes = 150; segmentBytes <= 600; segmentBytes += 10) {
      for (const damage of ['flipped', 'missing']) {
        const disk = new SimDisk();
        const { view } = await grown(disk, segmentBytes);
        const [, newest = ''] = snapshotsOf(disk);
        if (damage === 'flipped') disk.flip(newest, 90);
        else await view.remove(newest).then(() => view.syncDirectory('/log'));
        const { log, snapshot, lines } = await reopen(disk, segmentBytes);
        expect(snapshot?.index).toBe(20);
        expect(textsOf(log.readFrom(21))).toEqual(textsOf(entries(21, 30)));
        expect(lines.map((line) => line.level)).toContain('error');
      }
    }
  });

  test('the newest snapshot can be read for a peer, before and after a restart', async () => {
    const disk = new SimDisk();
    const empty = await open(disk, 300);
    expect(await empty.log.readSnapshot()).toBeNull();
    await empty.log.close();
    const { log } = await grown(disk, 300);
    const expected = { index: 30, term: 1, chunks: chunk('state at 30') };
    expect(await log.readSnapshot()).toEqual(expected);
    const again = (await reopen(disk, 300)).log;
    expect(await again.readSnapshot()).toEqual(expected);
    disk.flip('/log/snapshot-0000000000000030.snap', 80);
    await expect(again.readSnapshot()).rejects.toThrow('snapshot-0000000000000030');
  });

  test('with both snapshots damaged the start is refused', async () => {
    const disk = new SimDisk();
    await grown(disk, 300);
    for (const path of snapshotsOf(disk)) disk.flip(path, 100);
    await expect(reopen(disk)).rejects.toMatchObject({
      code: 'STORE_SNAPSHOT_DAMAGED',
      try: expect.stringContaining('backup'),
    });
  });

  test('a snapshot is there under its name once it was saved, whatever the disk loses', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: entries(1, 2) });
    await log.sync();
    // The next sync is the snapshot's, the one after it would be the mark's.
    const stopped = disk.stopAt({ n: 2, operation: 'datasync', takesEffect: false });
    void log.saveSnapshot({ index: 2, term: 1, chunks: chunk('state') });
    await stopped;
    disk.crash({ content: 'none', names: 'none' });
    expect(snapshotsOf(disk)).toHaveLength(1);
    const again = await open(disk);
    // Without its mark it does not count: the log still has everything.
    expect(again.snapshot).toBeNull();
    expect(again.log.readFrom(1)).toHaveLength(2);
  });

  test('compacting while a snapshot waits for its mark leaves its file alone', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: entries(1, 4) });
    await log.sync();
    await log.saveSnapshot({ index: 2, term: 1, chunks: chunk('two') });
    const saving = log.saveSnapshot({ index: 4, term: 1, chunks: chunk('four') });
    while (log.snapshot?.index !== 4) await log.compactTo(2);
    await saving;
    disk.crash({ content: 'all', names: 'all' });
    expect((await open(disk)).snapshot?.index).toBe(4);
  });

  test('an installed snapshot replaces a log that does not reach it', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: entries(1, 3) });
    await log.sync();
    await log.saveSnapshot({ index: 50, term: 7, chunks: chunk('from a peer') });
    log.append({ entries: [entry(51, 7)], hardState: { term: 7, vote: 0, commit: 50 } });
    await log.sync();
    for (const one of [log, (await reopen(disk)).log]) {
      expect([one.firstIndex, one.lastIndex, one.termAt(50)]).toEqual([51, 51, 7]);
      expect(one.snapshot).toMatchObject({ index: 50, term: 7 });
    }
  });

  test('an installed snapshot keeps entries behind it only if index and term match', async () => {
    const same = (await open(new SimDisk())).log;
    same.append({ entries: entries(1, 5) });
    await same.sync();
    await same.saveSnapshot({ index: 3, term: 1, chunks: chunk('x') });
    expect(same.lastIndex).toBe(5);
    const disk = new SimDisk();
    const other = (await open(disk)).log;
    other.append({ entries: entries(1, 5) });
    await other.sync();
    await other.saveSnapshot({ index: 3, term: 2, chunks: chunk('x') });
    for (const one of [other, (await reopen(disk)).log]) {
      expect([one.firstIndex, one.lastIndex]).toEqual([4, 3]);
    }
  });

  test('appends go on while a snapshot is written', async () => {
    const disk = new SimDisk();
    const { log } = await open(disk);
    log.append({ entries: entries(1, 4) });
    await log.sync();
    const saving = log.saveSnapshot({ index: 4, term: 1, chunks: chunk('state') });
    log.append({ entries: [entry(5)] });
    await Promise.all([log.sync(), saving]);
    await expect(
      Promise.all([
        log.saveSnapshot({ index: 5, term: 1, chunks: [] }),
        log.saveSnapshot({ index: 5, term: 1, chunks: [] }),
      ]),
    ).rejects.toThrow('already being saved');
    expect((await reopen(disk)).log.readFrom(5)).toHaveLength(1);
  });
});
