import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, runCommand } from './command.ts';
import { ensureIpmiSim, ipmiGuid, passwordFile } from './ipmi-sim.ts';
import type { LabBook } from './lab-book.ts';
import { findProcess, killProcess, readLog } from './lab-process.ts';
import type { LabLayout } from './layout.ts';
import {
  bmcAddress,
  bmcDirectory,
  bmcPort,
  bmcUser,
  derivedUuid,
  nodeDirectory,
} from './layout.ts';

/** How to reach the BMC of a node, from inside the fabric or a manager's place. */
export interface LabBmc {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Readable by the owner only; holds the password and no newline. */
  readonly passwordFile: string;
  /** As `ipmitool mc guid` prints it. */
  readonly guid: string;
}

/**
 * How a BMC misbehaves. `stuck` accepts without effect, `fail` refuses power commands, `lieOff`
 * accepts without effect and reads off, `lieOn` obeys and reads on, `slow` answers late, `delayed`
 * accepts at once and acts late, `unreachable` loses every packet.
 */
export type BmcFault =
  | 'ok'
  | 'stuck'
  | 'fail'
  | 'lieOff'
  | 'lieOn'
  | 'unreachable'
  | `slow:${number}`
  | `delayed:${number}`;

export const bmcFaultWords = 'ok, stuck, fail, lieOff, lieOn, unreachable, slow:3 or delayed:20';

/** @returns null when the text is no fault. `slow:3` = answers 3 s late. */
export function parseBmcFault(text: string): BmcFault | null {
  return /^(?:ok|stuck|fail|lieOff|lieOn|unreachable|(?:slow|delayed):\d+(?:\.\d+)?)$/.test(text)
    ? (text as BmcFault)
    : null;
}

function bmcGuid(layout: LabLayout, node: number): string {
  return ipmiGuid(derivedUuid(layout, `bmc ${node}`));
}

export function labBmc(layout: LabLayout, node: number): LabBmc {
  return {
    host: bmcAddress(layout, node),
    port: bmcPort,
    user: bmcUser,
    passwordFile: passwordFile(layout),
    guid: bmcGuid(layout, node),
  };
}

export function bmcProcessName(node: number): string {
  return `bmc-${node}`;
}

function wiringFile(layout: LabLayout, node: number): string {
  return join(bmcDirectory(layout, node), 'wired-to');
}

/** Number of the node whose BMC answers at the BMC address of `node`: its own, if nobody swapped. */
export function wiredTo(layout: LabLayout, node: number): number {
  const file = wiringFile(layout, node);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : node;
}

/**
 * Runs the BMC of a node in the fabric.
 *
 * @returns false when it ran already.
 * @throws LabError LAB_BMC when it does not come up.
 */
export async function ensureBmc(
  book: LabBook,
  node: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const { layout } = book;
  const machine = wiredTo(layout, node);
  const script = join(import.meta.dirname, 'machine', 'chassis.sh');
  return ensureIpmiSim(
    book,
    {
      process: bmcProcessName(node),
      directory: bmcDirectory(layout, node),
      ...labBmc(layout, node),
      guid: bmcGuid(layout, machine),
      control: [script, nodeDirectory(layout, machine), bmcDirectory(layout, machine)],
    },
    signal,
  );
}

/** Moves the cable of a BMC: behind the address of `node` is the BMC of `machine` from now on. */
export async function wireBmc(book: LabBook, node: number, machine: number): Promise<void> {
  writeFileSync(wiringFile(book.layout, node), String(machine));
  const process = findProcess(book, bmcProcessName(node));
  if (process !== null) await killProcess(process);
  await ensureBmc(book, node);
}

function faultFile(layout: LabLayout, node: number): string {
  return join(bmcDirectory(layout, node), 'fault');
}

export function readBmcFault(layout: LabLayout, node: number): BmcFault {
  if (!existsSync(faultFile(layout, node))) return 'ok';
  return parseBmcFault(readFileSync(faultFile(layout, node), 'utf8').trim()) ?? 'ok';
}

function nft(layout: LabLayout, command: string): readonly string[] {
  return ['nsenter', `--net=/run/netns/${layout.fabricNamespace}`, '--', 'nft', command];
}

/** Sets how the BMC behaves from now on; replaces the fault it had. */
export async function setBmcFault(layout: LabLayout, node: number, fault: BmcFault): Promise<void> {
  const table = `inet kennel_bmc_${node}`;
  await runCommand(nft(layout, `delete table ${table}`)); // absent unless it was unreachable
  if (fault === 'unreachable') {
    const chain = `add chain ${table} input { type filter hook input priority 0; }`;
    const rule = `add rule ${table} input ip daddr ${bmcAddress(layout, node)} udp dport ${bmcPort} drop`;
    await mustRun(nft(layout, `add table ${table}; ${chain}; ${rule}`));
  }
  writeFileSync(faultFile(layout, node), `${fault}\n`);
}

/** One call of the BMC's power logic, for counting how often a command really arrived. */
export interface BmcCall {
  readonly atMs: number;
  /** For example `set power 0`. */
  readonly words: string;
}

export function bmcCalls(layout: LabLayout, node: number): readonly BmcCall[] {
  return readLog(join(bmcDirectory(layout, node), 'calls'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [micros = '0', ...words] = line.split(' ');
      return { atMs: Number(micros) / 1000, words: words.join(' ') };
    });
}

/** One time that the BMC took power from a node that had it. */
export interface PowerCut {
  readonly atMs: number;
  readonly bootId: string;
}

/** By the BMC's own doing, not by a plug that was pulled. Oldest first. */
export function powerCuts(layout: LabLayout, node: number): readonly PowerCut[] {
  return readLog(join(bmcDirectory(layout, node), 'cuts'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [micros = '0', bootId = ''] = line.split(' ');
      return { atMs: Number(micros) / 1000, bootId };
    });
}

/** Takes the BMC itself off its power; `ensureBmc` brings it back. */
export async function stopBmc(book: LabBook, node: number): Promise<void> {
  const process = findProcess(book, bmcProcessName(node));
  if (process !== null) await killProcess(process);
}
