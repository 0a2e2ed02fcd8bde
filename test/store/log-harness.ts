import { SimDisk } from '../../chaos/sim/disk.ts';
import type { LogEntry } from '../../src/store/log/payload.ts';
import { openLog } from '../../src/store/log/segmented-log.ts';
import { quietLog } from './quiet-log.ts';

export const owner = { clusterId: 'cluster-1', nodeName: 'node-1' };

export function entry(index: number, term = 1, text = `entry ${index} of term ${term}`): LogEntry {
  return { index, term, type: 0, bytes: new TextEncoder().encode(text) };
}
export const entries = (from: number, to: number, term = 1): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, offset) => entry(from + offset, term));
export const textsOf = (read: readonly LogEntry[]): string[] =>
  read.map((one) => new TextDecoder().decode(one.bytes));
export const chunk = (text: string): Uint8Array[] => [new TextEncoder().encode(text)];

export async function open(disk: SimDisk, segmentBytes = 400, who = owner) {
  const view = disk.attach('the log');
  await view.makeDirectory('/log');
  await view.syncDirectory('/');
  const log = quietLog();
  const clock = { monotonicMs: () => 0 };
  const options = { disk: view, log, clock, directory: '/log', owner: who, segmentBytes };
  return { view, lines: log.lines, ...(await openLog(options)) };
}

export async function reopen(disk: SimDisk, segmentBytes?: number) {
  disk.crash({ content: 'none', names: 'none' });
  return open(disk, segmentBytes);
}

export const segmentsOf = (disk: SimDisk) => disk.paths().filter((path) => path.endsWith('.seg'));
export const snapshotsOf = (disk: SimDisk) => disk.paths().filter((path) => path.endsWith('.snap'));
