import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  BmcRig,
  programExists,
  type RigFiles,
  type RigUser,
  uniquePassword,
  write,
} from './bmc-rig.ts';

/** Why the rig cannot be used here, or null. */
export const ipmiSimMissing: string | null = missing(['ipmi_sim', 'ipmitool', 'setpriv']);

function missing(programs: readonly string[]): string | null {
  const absent = programs.filter((name) => !programExists(name));
  return absent.length === 0 ? null : `not installed: ${absent.join(', ')}`;
}

/** An `ipmi_sim` (openipmi): suites 3 and 0, ADMINISTRATOR account, GUID of 15 characters. */
export function startIpmiSim(guid: string): Promise<BmcRig> {
  if (guid.length !== 15) throw new Error('a GUID of ipmi_sim is 15 characters and a zero');
  return BmcRig.start(uniquePassword(), (files, user) => prepare(files, user, guid));
}

/** The identity that the driver reads from a rig with this GUID. */
export function identityOf(guid: string): string {
  const digits = Buffer.from(`${guid}\0`, 'latin1').toString('hex');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function prepare(files: RigFiles, user: RigUser, guid: string): readonly string[] {
  const at = (name: string): string => join(files.directory, name);
  write(files, 'chassis', chassisProgram);
  chmodSync(at('chassis'), 0o700);
  write(files, 'lan.conf', lanConfiguration(files, user, guid));
  write(files, 'bmc.emu', emulation);
  mkdirSync(at('state'));
  return ['ipmi_sim', '-n', '-c', at('lan.conf'), '-f', at('bmc.emu'), '-s', at('state')];
}

function lanConfiguration(files: RigFiles, user: RigUser, guid: string): string {
  const kinds = ['callback', 'user', 'operator', 'admin'];
  return [
    'name "kennel-test"',
    'set_working_mc 0x20',
    'startlan 1',
    `  addr ${files.address} ${files.port}`,
    '  priv_limit admin',
    ...kinds.map((kind) => `  allowed_auths_${kind} none md2 md5 straight`),
    `  guid "${guid}"`,
    'endlan',
    `chassis_control "${join(files.directory, 'chassis')} ${files.directory}"`,
    'user 1 false "" "" user 5 none md2 md5 straight',
    `user 2 true "${user.name}" "${user.password}" admin 5 none md2 md5 straight`,
  ].join('\n');
}

const emulation = [
  'mc_setbmc 0x20',
  'mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr',
  'mc_enable 0x20',
].join('\n');

/**
 * ipmi_sim calls this once per chassis request, from its only thread, as
 * `DIRECTORY get power [boot]` or `DIRECTORY set power 0|1`; a failure becomes completion code
 * 0xFF. Shell builtins only, so that a call takes about a millisecond; `machine`, where there is one, is
 * what has the power.
 */
const chassisProgram = `#!/bin/sh
directory=$1
shift
echo "$*" >>"$directory/calls"
read -r mode seconds <"$directory/mode"
[ "$mode" = slow ] && sleep "$seconds"
[ "$mode" = fail ] && exit 1
if [ "$1" = get ]; then
  shift
  for name in "$@"; do
    if [ "$name" = boot ]; then
      echo boot:none
      continue
    fi
    if [ "$mode" = lie ]; then
      read -r power <"$directory/claimed"
    else
      read -r power <"$directory/power"
    fi
    [ "$mode" = blind ] && power=1
    echo "power:$power"
  done
elif [ "$1 $2" = 'set power' ] && [ "$mode" != stuck ]; then
  echo "$3" >"$directory/claimed"
  if [ "$mode" != lie ]; then
    if [ -x "$directory/machine" ]; then
      if [ "$3" = 0 ]; then "$directory/machine" "$directory" off; else "$directory/machine" "$directory" on; fi
    fi
    echo "$3" >"$directory/power"
  fi
fi
exit 0`;
