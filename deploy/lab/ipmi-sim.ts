import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { LabBook } from './lab-book.ts';
import { LabError } from './lab-error.ts';
import type { LabProcessRecord } from './lab-record.ts';
import { findProcess, killProcess, processState, readLog, startProcess } from './lab-process.ts';
import type { LabLayout } from './layout.ts';
import { waitUntil } from './wait-until.ts';

/** One `ipmi_sim` in the fabric: a BMC, or the outlet of a PDU that is reached like one. */
export interface IpmiSim {
  readonly process: string;
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly guid: string;
  /** What it runs for every request, with its first arguments. */
  readonly control: readonly string[];
}

export function passwordFile(layout: LabLayout): string {
  return join(layout.directory, 'bmc', 'password');
}

/** The password of all of the lab, made at first use. ipmi_sim takes at most 15 bytes. */
function ensurePassword(layout: LabLayout): string {
  const file = passwordFile(layout);
  if (!existsSync(file)) {
    mkdirSync(join(layout.directory, 'bmc'), { recursive: true });
    writeFileSync(file, randomBytes(7).toString('hex'), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8');
}

function lanConfig(sim: IpmiSim, password: string): string {
  return `name "${sim.process}"
set_working_mc 0x20
  startlan 1
    addr ${sim.host} ${sim.port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid ${sim.guid.replaceAll('-', '')}
  endlan
  chassis_control "${sim.control.join(' ')}"
  user 1 false "" "" user 5 none md2 md5 straight
  user 2 true "${sim.user}" "${password}" admin 5 none md2 md5 straight
`;
}

const emulation = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
`;

/** True once the process has a UDP socket at that address. */
function listens(process: LabProcessRecord, sim: IpmiSim): boolean {
  if (process.identity === null) return false;
  const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');
  const address = sim.host.split('.').map(Number).reverse().map(hex).join('');
  const port = sim.port.toString(16).toUpperCase().padStart(4, '0');
  try {
    const table = readFileSync(`/proc/${process.identity.pid}/net/udp`, 'utf8');
    return table.includes(` ${address}:${port} `);
  } catch {
    return false;
  }
}

/**
 * Runs it.
 *
 * @returns false when it ran already.
 * @throws LabError LAB_BMC when it does not come up.
 */
export async function ensureIpmiSim(
  book: LabBook,
  sim: IpmiSim,
  signal?: AbortSignal,
): Promise<boolean> {
  const { layout } = book;
  const left = findProcess(book, sim.process);
  if (left !== null && processState(left) !== 'dead') return false;
  if (left !== null) await killProcess(left);
  const state = join(sim.directory, 'state');
  // What the simulator stored overrides its configuration: it starts from nothing each time.
  rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { recursive: true });
  const lan = join(sim.directory, 'lan.conf');
  const emulated = join(sim.directory, 'bmc.emu');
  writeFileSync(lan, lanConfig(sim, ensurePassword(layout)), { mode: 0o600 });
  writeFileSync(emulated, emulation);
  const process = await startProcess(book, {
    name: sim.process,
    argv: ['ipmi_sim', '-n', '-c', lan, '-f', emulated, '-s', state],
    namespace: layout.fabricNamespace,
  });
  await waitUntil(
    `${sim.process} listens`,
    () => {
      if (processState(process) !== 'dead') return listens(process, sim);
      const log = readLog(process.log);
      throw new LabError('LAB_BMC', `${sim.process} ended`, log, 'see `kennel lab up`');
    },
    { timeoutMs: 10_000, signal },
  );
  return true;
}

/**
 * The digits at 17 and 21 rule out the other two byte orders that ipmitool may read a GUID in.
 */
export function ipmiGuid(uuid: string): string {
  return `${uuid.slice(0, 16)}f${uuid.slice(17, 21)}f${uuid.slice(22)}`;
}
