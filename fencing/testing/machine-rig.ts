import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BmcRig } from './bmc-rig.ts';
import { programExists } from './bmc-rig.ts';
import { ipmiSimMissing, startIpmiSim } from './ipmi-sim-rig.ts';
import { waitUntil } from './wait-until.ts';

/** Why the rig cannot be used here, or null. */
export const machineMissing: string | null =
  ipmiSimMissing ??
  (programExists('qemu-system-x86_64') ? null : 'not installed: qemu-system-x86_64');

/** A machine that its BMC runs: a QEMU with a guest in it that writes a heartbeat. */
export interface MachineRig {
  readonly bmc: BmcRig;
  /** The truth: whether the machine's process is there. */
  power(): 'on' | 'off';
  /** Powers it off past its BMC. */
  pullPlug(): void;
  stop(): Promise<void>;
}

/** Starts both, and waits for the guest's first heartbeat. */
export async function startMachine(guid: string): Promise<MachineRig> {
  const bmc = await startIpmiSim(guid);
  const { directory } = bmc.files;
  const at = (name: string): string => join(directory, name);
  const turn = (power: 'on' | 'off'): void => {
    const done = spawnSync(at('machine'), [directory, power], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`the machine cannot be turned ${power}: ${done.stderr}`);
  };
  const stop = async (): Promise<void> => {
    if (existsSync(at('pid'))) turn('off');
    await bmc.stop();
  };
  try {
    writeFileSync(at('sector'), bootSector());
    writeFileSync(at('beats'), '');
    writeFileSync(at('machine'), program);
    chmodSync(at('machine'), 0o700);
    turn('on');
    await waitUntil(() => statSync(at('beats')).size > 0, 60_000, 'the guest to run');
  } catch (error) {
    await stop();
    throw error;
  }
  const power = (): 'on' | 'off' => (isOurs(at('pid'), directory) ? 'on' : 'off');
  const pullPlug = (): void => {
    turn('off');
    bmc.power = 'off';
  };
  return { bmc, power, pullPlug, stop };
}

function isOurs(pidFile: string, directory: string): boolean {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim();
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
  } catch {
    return false;
  }
}

/** Writes a dot to the first serial port at every tick of the BIOS, 18 times a second. */
function bootSector(): Buffer {
  const code = [
    [0xfb], // sti
    [0xba, 0xf8, 0x03], // mov dx, 3f8h
    [0xb0, 0x2e], // mov al, '.'
    [0xee], // out dx, al
    [0xf4], // hlt
    [0xeb, 0xfa], // jmp to the third of them
  ];
  const sector = Buffer.alloc(512);
  sector.set(code.flat());
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/**
 * The chassis of the BMC runs it as `DIRECTORY off|on`. A machine that nobody turns off any more ends
 * by itself after ten minutes.
 */
const program = `#!/bin/sh
directory=$1
if [ "$2" = off ]; then
  read -r pid <"$directory/pid" 2>/dev/null || exit 0
  kill -KILL "$pid" 2>/dev/null
  # What nobody has waited for yet is there, and has no arguments.
  while grep -q . "/proc/$pid/cmdline" 2>/dev/null; do sleep 0.01; done
  rm -f "$directory/pid"
  exit 0
fi
setsid timeout -s KILL 600 qemu-system-x86_64 -machine pc -accel tcg -m 16 -nodefaults -no-user-config \\
  -display none -drive "file=$directory/sector,format=raw,if=ide,snapshot=on" \\
  -serial "file:$directory/beats" -pidfile "$directory/pid" </dev/null >"$directory/qemu.log" 2>&1 &
while [ ! -s "$directory/pid" ]; do
  kill -0 $! 2>/dev/null || { cat "$directory/qemu.log" >&2; exit 1; }
  sleep 0.02
done
`;
