import { expect, test } from 'vitest';
import type { DiskReading, Heartbeat } from './heartbeat.ts';
import { addReading, noWriters, sawNewWriter } from './writer-history.ts';
import type { WriterHistory } from './writer-history.ts';

const old: Heartbeat = { boots: 1, tag: 11, beat: 1 };
const young: Heartbeat = { boots: 2, tag: 22, beat: 1 };

function at(writer: Heartbeat, beat: number): Heartbeat {
  return { ...writer, beat };
}

/** A disk whose last write was by `newest`; `slots` are the slots in use, in order. */
function disk(newest: Heartbeat | null, ...slots: readonly (Heartbeat | null)[]): DiskReading {
  return [newest, ...slots];
}

function watch(...readings: readonly DiskReading[]): WriterHistory {
  let history = noWriters;
  for (const [index, reading] of readings.entries()) {
    history = addReading(history, reading, index * 100);
  }
  return history;
}

test('one writer that beats is no overlap', () => {
  const history = watch(disk(null, null), disk(old, old), disk(at(old, 5), at(old, 5)));
  expect(history.overlaps).toEqual([]);
  expect(history.writers).toMatchObject([{ tag: 11, firstBeat: 1, lastBeat: 5, lastSeenMs: 200 }]);
});

test('a writer that ends before the next begins is no overlap', () => {
  const history = watch(
    disk(at(old, 4), at(old, 4)),
    disk(at(old, 6), at(old, 6)),
    disk(young, at(old, 6), young),
    disk(at(young, 2), at(old, 6), at(young, 2)),
    disk(at(young, 3), at(old, 6), at(young, 3)),
  );
  expect(history.overlaps).toEqual([]);
  expect(history.writers.map((writer) => writer.tag)).toEqual([11, 22]);
});

test('a slot that moves on after a newer writer has begun is an overlap', () => {
  const history = watch(
    disk(at(old, 6), at(old, 6)),
    disk(young, at(old, 6), young),
    disk(young, at(old, 6), young),
    disk(young, at(old, 7), young),
    disk(at(young, 2), at(old, 8), at(young, 2)),
  );
  expect(history.overlaps).toEqual([
    {
      older: { boots: 1, tag: 11 },
      newer: { boots: 2, tag: 22 },
      atMs: 300,
      lastMs: 400,
      sightings: 2,
    },
  ]);
});

test('a write between the last reading without and the first with the newer writer is none', () => {
  const history = watch(
    disk(at(old, 5), at(old, 5)),
    disk(young, at(old, 6), young),
    disk(young, at(old, 6), young),
  );
  expect(history.overlaps).toEqual([]);
});

test('a write in the very reading that showed the newer writer first decides nothing', () => {
  const history = watch(
    disk(at(old, 5), at(old, 5)),
    disk(young, at(old, 5), young),
    disk(young, at(old, 6), young),
  );
  expect(history.overlaps).toEqual([]);
});

test('a newest heartbeat that goes back to an older writer is an overlap', () => {
  const history = watch(
    disk(at(old, 5), null),
    disk(young, null),
    disk(young, null),
    disk(at(old, 6), null),
  );
  expect(history.overlaps).toHaveLength(1);
});

test('two tags with one boot count are an overlap by themselves', () => {
  const twin: Heartbeat = { boots: 1, tag: 99, beat: 1 };
  const history = watch(disk(old, old), disk(twin, old));
  expect(history.overlaps).toMatchObject([{ older: { tag: 11 }, newer: { tag: 99 } }]);
});

test('what was on the disk before the first reading is no overlap', () => {
  const history = watch(
    disk(at(young, 9), at(old, 50), at(young, 9)),
    disk(at(young, 10), at(old, 50), at(young, 10)),
    disk(at(young, 11), at(old, 50), at(young, 11)),
  );
  expect(history.overlaps).toEqual([]);
});

test('a watch that begins in the middle of an overlap sees it', () => {
  const history = watch(
    disk(at(young, 9), at(old, 50), at(young, 9)),
    disk(at(young, 10), at(old, 51), at(young, 10)),
    disk(at(young, 11), at(old, 52), at(young, 11)),
  );
  expect(history.overlaps).toMatchObject([{ older: { tag: 11 }, sightings: 1 }]);
});

test('only a reading that shows a writer for the first time asks for another at once', () => {
  expect(sawNewWriter(watch(disk(null)))).toBe(false);
  expect(sawNewWriter(watch(disk(null), disk(old)))).toBe(true);
  expect(sawNewWriter(watch(disk(null), disk(old), disk(at(old, 2))))).toBe(false);
});
