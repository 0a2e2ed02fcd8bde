import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';
import { BmcRig, programExists, write } from './bmc-rig.ts';

const python = '/usr/bin/python3';
const program = fileURLToPath(new URL('pyghmi-bmc.py', import.meta.url));

/** Why the rig cannot be used here, or null. */
export const pyghmiMissing: string | null = findMissing();

function findMissing(): string | null {
  if (!programExists('ipmitool') || !programExists('setpriv')) return 'not installed: ipmitool';
  const probe = spawnSync(python, ['-c', 'import pyghmi.ipmi.bmc'], { timeout: 20_000 });
  return probe.status === 0 ? null : 'not installed: python3-pyghmi';
}

/**
 * A BMC made with pyghmi: suite 3 only, one account with a password of 20 bytes, every completion
 * code. `guid` is 32 hexadecimal digits, or null for a BMC that has none.
 */
export function startPyghmi(guid: string | null): Promise<BmcRig> {
  const password = randomBytes(10).toString('hex');
  return BmcRig.start(password, (files, user) => {
    // Not as an argument: the secret watch looks at every process.
    write(files, 'password', user.password);
    const { address, port, directory } = files;
    return [python, program, address, String(port), directory, user.name, guid ?? '-'];
  });
}
