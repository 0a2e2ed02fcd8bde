import type { DiskReading, Heartbeat, Writer } from './heartbeat.ts';

/** One writer as seen over time. */
export interface WriterRecord extends Writer {
  readonly firstBeat: number;
  readonly lastBeat: number;
  readonly firstSeenMs: number;
  /** When its last new beat was seen. */
  readonly lastSeenMs: number;
  /** Number of the reading that showed it first. */
  readonly firstReading: number;
}

/** Two writers at once: `older` wrote although `newer` had begun. */
export interface WriterOverlap {
  readonly older: Writer;
  readonly newer: Writer;
  /** When it was first seen. */
  readonly atMs: number;
  /** When the last such write was seen, and how many readings showed one. */
  readonly lastMs: number;
  readonly sightings: number;
}

/** All that is known of one disk's writers. */
export interface WriterHistory {
  readonly readings: number;
  readonly previous: DiskReading | null;
  /** In the order they were first seen. */
  readonly writers: readonly WriterRecord[];
  readonly overlaps: readonly WriterOverlap[];
}

export const noWriters: WriterHistory = {
  readings: 0,
  previous: null,
  writers: [],
  overlaps: [],
};

function same(a: Writer, b: Writer): boolean {
  return a.boots === b.boots && a.tag === b.tag;
}

/** True when `a` began before `b`. The disk's own count decides what no reading could tell. */
function before(a: WriterRecord, b: WriterRecord): boolean {
  return a.firstReading === b.firstReading ? a.boots < b.boots : a.firstReading < b.firstReading;
}

/** What was written between the previous reading and this one. */
function freshBeats(history: WriterHistory, reading: DiskReading): readonly Heartbeat[] {
  return reading.filter((now, place): now is Heartbeat => {
    const then = history.previous?.[place] ?? null;
    return now !== null && (then === null || !same(then, now) || then.beat !== now.beat);
  });
}

function recordBeat(
  writers: readonly WriterRecord[],
  beat: Heartbeat,
  reading: number,
  atMs: number,
): readonly WriterRecord[] {
  const known = writers.find((writer) => same(writer, beat));
  if (known === undefined) {
    const { boots, tag } = beat;
    const first = { firstBeat: beat.beat, firstSeenMs: atMs, firstReading: reading };
    return [...writers, { boots, tag, ...first, lastBeat: beat.beat, lastSeenMs: atMs }];
  }
  if (beat.beat <= known.lastBeat) return writers;
  const later = { ...known, lastBeat: beat.beat, lastSeenMs: atMs };
  return writers.map((writer) => (writer === known ? later : writer));
}

function recordOverlap(
  overlaps: readonly WriterOverlap[],
  older: WriterRecord,
  newer: WriterRecord,
  atMs: number,
): readonly WriterOverlap[] {
  const pair = (overlap: WriterOverlap): boolean =>
    same(overlap.older, older) && same(overlap.newer, newer);
  const known = overlaps.find(pair);
  if (known !== undefined) {
    const more = { ...known, lastMs: atMs, sightings: known.sightings + 1 };
    return overlaps.map((overlap) => (overlap === known ? more : overlap));
  }
  const id = ({ boots, tag }: Writer): Writer => ({ boots, tag });
  return [...overlaps, { older: id(older), newer: id(newer), atMs, lastMs: atMs, sightings: 1 }];
}

/**
 * Adds one reading of a disk, taken at `atMs`.
 *
 * An overlap is a write of one writer in a place that was read after a later writer had been seen:
 * the newer one must have shown up no later than two readings ago, so that the reading in between
 * shows the place as it was when the newer one had already begun. Two tags with one boot count are
 * an overlap by themselves: both guests read the disk before either wrote.
 */
export function addReading(
  history: WriterHistory,
  reading: DiskReading,
  atMs: number,
): WriterHistory {
  const number = history.readings;
  const fresh = freshBeats(history, reading);
  let { writers, overlaps } = history;
  for (const beat of fresh) writers = recordBeat(writers, beat, number, atMs);
  for (const beat of fresh) {
    const writer = writers.find((candidate) => same(candidate, beat));
    if (writer === undefined) continue;
    for (const other of writers) {
      const wroteAfter = before(writer, other) && other.firstReading <= number - 2;
      const twin =
        writer.firstReading === number &&
        other.boots === writer.boots &&
        writers.indexOf(other) < writers.indexOf(writer);
      if (wroteAfter) overlaps = recordOverlap(overlaps, writer, other, atMs);
      else if (twin) overlaps = recordOverlap(overlaps, other, writer, atMs);
    }
  }
  return { readings: number + 1, previous: reading, writers, overlaps };
}

/** True when a reading has shown a writer for the first time: the next one should follow at once. */
export function sawNewWriter(history: WriterHistory): boolean {
  return history.writers.some((writer) => writer.firstReading === history.readings - 1);
}
