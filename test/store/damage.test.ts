import { beforeAll, describe, expect, test } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { StoreDamaged } from '../../src/store/store-damaged.ts';
import { openOn } from './solo-harness.ts';
import {
  pictureOf,
  picturesOf,
  putOperation,
  samePicture,
  submitGroups,
  type Picture,
} from './workload.ts';

/*
 * A log written by a workload and then damaged at every third byte, once by cutting and once by
 * flipping. Whatever comes back is a state that the store really had, holds every acknowledged
 * write that lies before the damage, or it is a refusal that says what to do.
 */

interface Image {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly lastSegment: string;
  readonly pictures: readonly Picture[];
  /** For each acknowledged write: the segment that was last, and its length, at that moment. */
  readonly acknowledged: readonly { readonly segment: string; readonly end: number }[];
}

const sizes = [1, 1, 3, 1, 2, 1, 4, 1, 2, 1, 3, 1, 1, 2, 1];

function lastSegmentOf(paths: readonly string[]): string {
  return paths.findLast((path) => path.endsWith('.seg')) ?? 'none';
}

async function writeImage(limits: {
  readonly segmentBytes: number;
  readonly snapshotEntries: number;
}): Promise<Image> {
  const disk = new SimDisk();
  const store = await openOn(disk, { limits: { ...limits, reserveBytes: 0 } });
  let count = 0;
  const groups = sizes.map((size) =>
    Array.from({ length: size }, () => {
      count += 1;
      return putOperation(
        `op-${count}`,
        count % 3 === 0 ? ['a', `b${count % 4}`] : [`c${count % 5}`],
      );
    }),
  );
  const acknowledged: { segment: string; end: number }[] = [];
  await submitGroups(store, groups, (position, outcome) => {
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    const segment = lastSegmentOf(disk.paths());
    acknowledged[position] = { segment, end: disk.content(segment).length };
  });
  // A snapshot may still be under way.
  await store.get('a');
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  const files = new Map(disk.paths().map((path) => [path, disk.content(path)]));
  const lastSegment = lastSegmentOf(disk.paths());
  return { files, lastSegment, pictures: picturesOf(groups.flat()), acknowledged };
}

type Reopened =
  | { readonly kind: 'refused'; readonly error: StoreDamaged }
  /** The number of the workload's transactions whose result came back. */
  | { readonly kind: 'opened'; readonly count: number };

async function reopen(image: Image, path: string, content: Uint8Array | null): Promise<Reopened> {
  const disk = new SimDisk();
  for (const [name, bytes] of image.files) if (name !== path) disk.place(name, bytes);
  if (content !== null) disk.place(path, content);
  try {
    const store = await openOn(disk, { limits: { reserveBytes: 0 } });
    const found = await pictureOf(store);
    const count = image.pictures.findLastIndex((picture) => samePicture(picture, found));
    if (count < 0) throw new Error(`an invented state: ${JSON.stringify([...found])}`);
    await store.close();
    return { kind: 'opened', count };
  } catch (error) {
    if (!(error instanceof StoreDamaged)) throw error;
    return { kind: 'refused', error };
  }
}

/** Every so many bytes: the bits that are flipped differ from one to the next. */
const step = 3;

/** How many acknowledged writes were complete while the last segment was no longer than `length`. */
function acknowledgedBefore(image: Image, length: number): number {
  return image.acknowledged.filter(
    ({ segment, end }) => segment !== image.lastSegment || end <= length,
  ).length;
}

const shapes = {
  'one segment': { segmentBytes: 100_000, snapshotEntries: 1_000 },
  'several segments': { segmentBytes: 900, snapshotEntries: 1_000 },
  'segments and snapshots': { segmentBytes: 600, snapshotEntries: 9 },
};

for (const [shape, limits] of Object.entries(shapes)) {
  describe(`M6: damage to a log with ${shape}`, () => {
    let image: Image;
    beforeAll(async () => {
      image = await writeImage(limits);
    });

    test('the undamaged log brings everything back', async () => {
      const intact = image.files.get(image.lastSegment) ?? null;
      const total = image.acknowledged.length;
      expect(await reopen(image, image.lastSegment, intact)).toEqual({
        kind: 'opened',
        count: total,
      });
      const names = [...image.files.keys()];
      // Beside the empty one that every store begins with.
      const snapshots = names.filter((name) => /snapshot-0*[1-9]\d+\.snap$/.test(name));
      expect(snapshots.length > 0).toBe(limits.snapshotEntries < 100);
      expect(names.filter((name) => name.endsWith('.seg')).length > 1).toBe(
        limits.segmentBytes < 10_000,
      );
    });

    test('cut at any byte of the last segment: a prefix with all that was acknowledged before it', async () => {
      const path = image.lastSegment;
      const whole = image.files.get(path) ?? new Uint8Array(0);
      const problems: string[] = [];
      let refused = 0;
      for (let length = 0; length < whole.length; length += step) {
        const result = await reopen(image, path, whole.slice(0, length));
        if (result.kind === 'refused') refused += 1;
        else if (result.count < acknowledgedBefore(image, length))
          problems.push(`lost at ${length}`);
      }
      expect(problems).toEqual([]);
      // Only a cut into the header or what the segment took over may be refused.
      expect(refused).toBeLessThan(100);
    });

    test('cut at any byte of another file, or missing: refused, or nothing is lost', async () => {
      const problems: string[] = [];
      for (const [path, whole] of image.files) {
        if (path === image.lastSegment) continue;
        const lengths = Array.from({ length: whole.length }, (_, length) => length).filter(
          (length) => length % step === 0,
        );
        for (const length of [null, ...lengths]) {
          const content = length === null ? null : whole.slice(0, length);
          const result = await reopen(image, path, content);
          if (result.kind === 'refused') continue;
          if (result.count < image.acknowledged.length) problems.push(`lost: ${path} ${length}`);
          if (path.endsWith('.seg') && length !== null) problems.push(`read: ${path} ${length}`);
        }
      }
      expect(problems).toEqual([]);
    });

    test('one byte flipped anywhere: refused, or only the last write is cut, or nothing is lost', async () => {
      const lastBatch = lastAcknowledgedBatch(image);
      const problems: string[] = [];
      for (const [path, whole] of image.files) {
        for (let offset = 0; offset < whole.length; offset += step) {
          const content = whole.slice();
          content[offset] = (content[offset] ?? 0) ^ (1 << ((offset / step) % 8));
          const result = await reopen(image, path, content);
          if (result.kind === 'refused') continue;
          const mayBeTorn = path === image.lastSegment && offset >= lastBatch.start;
          const least = mayBeTorn ? lastBatch.count : image.acknowledged.length;
          if (result.count < least) problems.push(`lost: ${path} ${offset}`);
          if (path.endsWith('.seg') && !mayBeTorn) problems.push(`read: ${path} ${offset}`);
        }
      }
      expect(problems).toEqual([]);
    });

    test('a refusal names the file, the reason, the consequence and the way out', async () => {
      const [path = ''] = image.files.keys();
      const result = await reopen(image, path, new Uint8Array(5));
      if (result.kind !== 'refused') throw new Error('not refused');
      expect(result.error).toMatchObject({
        code: 'STORE_LOG_DAMAGED',
        what: expect.stringContaining(path),
        because: expect.stringContaining('shorter'),
        so: expect.stringContaining('does not start'),
        try: expect.stringContaining('backup'),
      });
    });
  });
}

/** Where the last batch begins in the last segment, and how many writes came before it. */
function lastAcknowledgedBatch(image: Image): { readonly start: number; readonly count: number } {
  const inLast = image.acknowledged.filter(({ segment }) => segment === image.lastSegment);
  const ends = [...new Set(inLast.map(({ end }) => end))].sort((a, b) => a - b);
  const start = ends.at(-2) ?? 0;
  return { start, count: acknowledgedBefore(image, start) };
}
