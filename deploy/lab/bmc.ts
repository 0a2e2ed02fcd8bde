import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { mustRun, runCommand } from './command.ts';
import type { LabBook } from './lab-book.ts';
import { LabError } from './lab-error.ts';
import type { LabProcessRecord } from './lab-record.ts';
import { findProcess, killProcess, processState, readLog, startProcess } from './lab-process.ts';
import type { LabLayout } from './layout.ts';
import {
  bmcAddress,
  bmcDirectory,
  bmcPort,
  bmcUser,
  derivedUuid,
  nodeDirectory,
  nodeName,
} from './layout.ts';
import { waitUntil } from './wait-until.ts';

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

function passwordFile(layout: LabLayout): string {
  return join(layout.directory, 'bmc', 'password');
}

/**
 * The digits at 17 and 21 rule out the other two byte orders that ipmitool may read a GUID in.
 */
function bmcGuid(layout: LabLayout, node: number): string {
  const uuid = derivedUuid(layout, `bmc ${node}`);
  return `${uuid.slice(0, 16)}f${uuid.slice(17, 21)}f${uuid.slice(22)}`;
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

function lanConfig(layout: LabLayout, node: number, password: string): string {
  const chassis = join(import.meta.dirname, 'machine', 'chassis.sh');
  const { host, port, user } = labBmc(layout, node);
  const machine = wiredTo(layout, node);
  const guid = bmcGuid(layout, machine);
  const control = [chassis, nodeDirectory(layout, machine), bmcDirectory(layout, machine)];
  return `name "${nodeName(node)}"
set_working_mc 0x20
  startlan 1
    addr ${host} ${port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid ${guid.replaceAll('-', '')}
  endlan
  chassis_control "${control.join(' ')}"
  user 1 false "" "" user 5 none md2 md5 straight
  user 2 true "${user}" "${password}" admin 5 none md2 md5 straight
`;
}

const emulation = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
`;

/** The password of all BMCs of the lab, made at first use. ipmi_sim takes at most 15 bytes. */
function ensurePassword(layout: LabLayout): string {
  const file = passwordFile(layout);
  if (!existsSync(file)) {
    mkdirSync(join(layout.directory, 'bmc'), { recursive: true });
    writeFileSync(file, randomBytes(7).toString('hex'), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8');
}

/** True once the process has a UDP socket at that address. */
function listens(process: LabProcessRecord, bmc: LabBmc): boolean {
  if (process.identity === null) return false;
  const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');
  const address = bmc.host.split('.').map(Number).reverse().map(hex).join('');
  const port = bmc.port.toString(16).toUpperCase().padStart(4, '0');
  try {
    const table = readFileSync(`/proc/${process.identity.pid}/net/udp`, 'utf8');
    return table.includes(` ${address}:${port} `);
  } catch {
    return false;
  }
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
  const name = bmcProcessName(node);
  const left = findProcess(book, name);
  if (left !== null && processState(left) !== 'dead') return false;
  if (left !== null) await killProcess(left);
  const directory = bmcDirectory(layout, node);
  const state = join(directory, 'state');
  // What the simulator stored overrides its configuration: it starts from nothing each time.
  rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { recursive: true });
  const lan = join(directory, 'lan.conf');
  writeFileSync(lan, lanConfig(layout, node, ensurePassword(layout)), { mode: 0o600 });
  writeFileSync(join(directory, 'bmc.emu'), emulation);
  const process = await startProcess(book, {
    name,
    argv: ['ipmi_sim', '-n', '-c', lan, '-f', join(directory, 'bmc.emu'), '-s', state],
    namespace: layout.fabricNamespace,
  });
  await waitUntil(
    `the BMC of ${nodeName(node)} listens`,
    () => {
      if (processState(process) !== 'dead') return listens(process, labBmc(layout, node));
      throw new LabError('LAB_BMC', `${name} ended`, readLog(process.log), 'see `kennel lab up`');
    },
    { timeoutMs: 10_000, signal },
  );
  return true;
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
    const rule = `add rule ${table} input ip daddr ${bmcAddress(layout, node)} drop`;
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
