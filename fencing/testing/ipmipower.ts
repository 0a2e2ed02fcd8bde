import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BmcRig, programExists } from './bmc-rig.ts';

/**
 * What freeipmi, which shares no code with ipmitool, reads of a rig; null = it is not installed. Its code
 * is no answer: it may be 0 after a failure, so only its words count.
 */
export async function readByFreeipmi(bmc: BmcRig): Promise<'on' | 'off' | 'nothing' | null> {
  if (!programExists('ipmipower')) return null;
  const { address, port, directory } = bmc.files;
  const config = join(directory, 'freeipmi.conf');
  const { name, password } = bmc.user;
  const lines = ['driver-type LAN_2_0', 'cipher-suite-id 3', `username ${name}`];
  writeFileSync(config, [...lines, `password ${password}`, ''].join('\n'), { mode: 0o600 });
  const host = `${address}:${port}`;
  const words = ['--config-file', config, '-W', 'opensesspriv', '--session-timeout=8000'];
  const said = await new Promise<string>((resolve) => {
    execFile('ipmipower', [...words, '-h', host, '--stat'], { timeout: 20_000 }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const power = /: (on|off)\s*$/m.exec(said)?.[1];
  return power === 'on' || power === 'off' ? power : 'nothing';
}
