import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../deploy/lab/process-identity.ts';

/** Where the BMC stand-in listens. */
export const bmcSocket = (directory: string): string => join(directory, 'bmc.sock');

/** What it was asked; `<epoch s> REQ|OK off <node>` and `<epoch s> READ <node> ON|OFF`. */
export const bmcLog = (directory: string): string => join(directory, 'bmc.log');

/** Tells the BMC which process is the node's process 1 now. */
export function writePowerFile(directory: string, node: string, init: ProcessIdentity): void {
  const file = powerFile(directory, node);
  writeFileSync(`${file}.new`, `${init.pid} ${init.startTicks}\n`);
  renameSync(`${file}.new`, file);
}

/** The node's process 1 as last booted; null when it never was. */
export function readPowerFile(directory: string, node: string): ProcessIdentity | null {
  try {
    const [pid, startTicks] = readFileSync(powerFile(directory, node), 'utf8')
      .split(' ')
      .map(Number);
    return pid === undefined || startTicks === undefined ? null : { pid, startTicks };
  } catch {
    return null;
  }
}

/** The identity that the BMC of a node shows; the same over all boots. */
export function bmcIdentity(directory: string, node: string): string {
  return createHash('sha256').update(`${directory} ${node}`).digest('hex').slice(0, 32);
}

const powerFile = (directory: string, node: string): string => join(directory, `${node}.pid`);
