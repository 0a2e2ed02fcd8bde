import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { heartbeatRange, parseHeartbeats } from './heartbeat.ts';
import { addReading, noWriters, sawNewWriter } from './writer-history.ts';
import type { WriterHistory, WriterOverlap, WriterRecord } from './writer-history.ts';

/** Two writers of one disk at once: the safety rule was broken. */
export interface Overlap extends WriterOverlap {
  readonly disk: string;
}

export interface WitnessReport {
  /** Disks watched. */
  readonly disks: number;
  /** Empty when no disk ever had two writers at once. Times are ms since the epoch. */
  readonly overlaps: readonly Overlap[];
  /** Who wrote to each disk, in the order they were seen. */
  readonly writers: readonly { readonly disk: string; readonly writers: readonly WriterRecord[] }[];
  /** Rounds of readings so far, and the longest time between two: it saw nothing shorter. */
  readonly readings: number;
  readonly longestGapMs: number;
  /** Disks that could not be read at some time; what happened meanwhile is unknown. */
  readonly unreadable: readonly string[];
}

export interface WitnessedDisk {
  readonly name: string;
  /** The image on the storage's side. */
  readonly file: string;
}

export interface Witness {
  report(): WitnessReport;
  /** Ends the watch and returns the last report. */
  stop(): Promise<WitnessReport>;
}

interface Watched {
  readonly disk: WitnessedDisk;
  readonly handle: FileHandle;
  history: WriterHistory;
  unreadable: boolean;
}

async function read(watched: Watched, buffer: Buffer): Promise<void> {
  try {
    const { bytesRead } = await watched.handle.read(
      buffer,
      0,
      buffer.length,
      heartbeatRange.position,
    );
    const reading = parseHeartbeats(buffer.subarray(0, bytesRead));
    watched.history = addReading(watched.history, reading, Date.now());
  } catch {
    watched.unreadable = true;
  }
}

/** One reading, and one more at once when it shows a writer that was not there before. */
async function look(watched: Watched, buffer: Buffer): Promise<void> {
  await read(watched, buffer);
  if (sawNewWriter(watched.history)) await read(watched, buffer);
}

/**
 * Watches the disks from the storage's side and asks nobody: neither libvirt, nor an agent, nor a
 * manager. It shares no code with them.
 *
 * @param everyMs time between two rounds; the guest beats every 220 ms.
 * @throws when an image cannot be opened.
 */
export async function startWitness(options: {
  readonly disks: readonly WitnessedDisk[];
  readonly everyMs?: number;
}): Promise<Witness> {
  const everyMs = options.everyMs ?? 100;
  const watched: Watched[] = [];
  for (const disk of options.disks) {
    const handle = await open(disk.file, 'r');
    watched.push({ disk, handle, history: noWriters, unreadable: false });
  }
  const buffer = Buffer.alloc(heartbeatRange.length);
  const stopping = new AbortController();
  let rounds = 0;
  let longestGapMs = 0;

  const watch = async (): Promise<void> => {
    let lastMs = performance.now();
    while (!stopping.signal.aborted) {
      for (const one of watched) await look(one, buffer);
      rounds += 1;
      const now = performance.now();
      longestGapMs = Math.max(longestGapMs, now - lastMs);
      lastMs = now;
      await delay(everyMs, null, { signal: stopping.signal }).catch(() => null);
    }
  };

  const report = (): WitnessReport => ({
    disks: watched.length,
    overlaps: watched.flatMap(({ disk, history }) =>
      history.overlaps.map((overlap) => ({ disk: disk.name, ...overlap })),
    ),
    writers: watched.map(({ disk, history }) => ({ disk: disk.name, writers: history.writers })),
    readings: rounds,
    longestGapMs: Math.round(longestGapMs),
    unreadable: watched.filter((one) => one.unreadable).map(({ disk }) => disk.name),
  });

  const watching = watch();
  return {
    report,
    stop: async () => {
      stopping.abort();
      await watching;
      await Promise.all(watched.map(({ handle }) => handle.close()));
      return report();
    },
  };
}
