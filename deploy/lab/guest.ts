import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './command.ts';
import { LabError } from './lab-error.ts';

const diskBytes = 1024 * 1024;
const sectorBytes = 512;

/**
 * Assembles the heartbeat guest.
 *
 * @returns the boot sector: 512 bytes with the BIOS signature.
 * @throws LabError LAB_COMMAND_FAILED when binutils refuse, LAB_GUEST when the result is no sector.
 */
export async function assembleGuest(workDirectory: string): Promise<Buffer> {
  mkdirSync(workDirectory, { recursive: true });
  const source = join(import.meta.dirname, 'guest', 'heartbeat.S');
  const object = join(workDirectory, 'heartbeat.o');
  const image = join(workDirectory, 'heartbeat.bin');
  await mustRun(['as', '--32', source, '-o', object]);
  const flat = ['-m', 'elf_i386', '-Ttext', '0x7c00', '--oformat', 'binary', '-e', '_start'];
  await mustRun(['ld', ...flat, object, '-o', image]);
  const sector = readFileSync(image);
  rmSync(object);
  if (sector.length !== sectorBytes || sector.readUInt16LE(510) !== 0xaa55) {
    throw new LabError(
      'LAB_GUEST',
      source,
      `it assembles to ${sector.length} bytes`,
      'check the assembler: GNU as for x86 is needed',
    );
  }
  return sector;
}

/** Writes a fresh disk with the guest on it under its final name in one step. */
export function writeGuestDisk(file: string, sector: Buffer): void {
  const handle = openSync(`${file}.new`, 'w', 0o600);
  try {
    writeSync(handle, sector, 0, sectorBytes, 0);
    ftruncateSync(handle, diskBytes);
  } finally {
    closeSync(handle);
  }
  renameSync(`${file}.new`, file);
}
