import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { mustRun, runCommand } from './command.ts';
import type { LabBook } from './lab-book.ts';
import { toolCommand } from './fabric.ts';
import { LabError } from './lab-error.ts';
import { endProcess, processState, readLog, startProcess } from './lab-process.ts';
import { managementBridge, storageBridge, type LabLayout } from './layout.ts';
import { waitUntil } from './wait-until.ts';

/*
 * Few kernels have `sch_netem`. So what is to be delayed is dropped by the bridge where it enters,
 * and a process that saw it there gives it back to the bridge in its time, through a port of its own.
 * That process knows addresses and no ports, so a delay holds over the power cycle of a node. When it
 * dies, the way is cut.
 */

export interface Delay {
  /** Unique in the lab. */
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly delayMs: number;
}

const script = join(import.meta.dirname, 'machine', 'delay-line.py');

function processName(name: string): string {
  return `delay-${name}`;
}

/** The two ends of a line's cable, of which the second is a port of the bridge. */
function cableOf(name: string): readonly [back: string, peer: string] {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return [`dl${hash}a`, `dl${hash}b`];
}

/** The port of the bridge through which delayed packets come back; no delay holds for those. */
export function delayPort(name: string): string {
  return cableOf(name)[1];
}

function bridgeOf({ storageSubnet }: LabLayout, { from, to }: Delay): string {
  const isStorage = [from, to].some((end) => end?.startsWith(`${storageSubnet}.`) === true);
  return isStorage ? storageBridge : managementBridge;
}

/**
 * Starts a line. Call it with the lab's lock held, and have the bridge drop what the line carries
 * after that.
 *
 * @throws LabError LAB_DELAY when the line does not start.
 */
export async function startDelay(book: LabBook, delay: Delay): Promise<void> {
  const { layout } = book;
  const fabric = layout.fabricNamespace;
  const bridge = bridgeOf(layout, delay);
  const [back, peer] = cableOf(delay.name);
  const ip = (...words: readonly string[]): Promise<string> =>
    mustRun(toolCommand(book, ['ip', '-n', fabric, ...words]));
  await endDelay(book, delay.name);
  await ip('link', 'add', back, 'type', 'veth', 'peer', 'name', peer);
  await ip('link', 'set', peer, 'master', bridge);
  // A bridge that learned from it would send there what is for the machine that was delayed.
  await ip('link', 'set', peer, 'type', 'bridge_slave', 'learning', 'off');
  await ip('link', 'set', peer, 'up');
  await ip('link', 'set', back, 'up');
  const ends = [delay.from ?? 'any', delay.to ?? 'any'];
  const line = await startProcess(book, {
    name: processName(delay.name),
    argv: [script, bridge, back, peer, String(delay.delayMs), ...ends],
    namespace: fabric,
  });
  await waitUntil(
    `${line.name} carries packets`,
    () => {
      if (readLog(line.log).includes('carries')) return true;
      if (processState(line) !== 'dead') return null;
      throw new LabError(
        'LAB_DELAY',
        `the delay line ${delay.name} ended`,
        readLog(line.log).trim(),
        'it needs python3: apt-get install python3',
      );
    },
    { timeoutMs: 10_000, everyMs: 20 },
  );
}

/** Ends a line; packets that are on it are lost. Ok when there is none of that name. */
export async function endDelay(book: LabBook, name: string): Promise<void> {
  await endProcess(book, processName(name));
  const [back] = cableOf(name);
  await runCommand(['ip', '-n', book.layout.fabricNamespace, 'link', 'del', back]);
}
