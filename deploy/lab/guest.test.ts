import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assembleGuest, writeGuestDisk } from './guest.ts';
import { machineView } from './preflight.ts';

const machine = machineView();
const binutils = machine.has('as') && machine.has('ld');

describe.skipIf(!binutils)('heartbeat guest (skipped without binutils)', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kennel-guest-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  test('it is one sector with the BIOS signature', async () => {
    const sector = await assembleGuest(directory);
    expect(sector).toHaveLength(512);
    expect(sector.subarray(510)).toEqual(Buffer.from([0x55, 0xaa]));
  });

  test('a fresh disk has it in front and no heartbeat yet', async () => {
    const sector = await assembleGuest(directory);
    const file = join(directory, 'disk.raw');
    writeGuestDisk(file, sector);
    const disk = readFileSync(file);
    expect(disk).toHaveLength(1024 * 1024);
    expect(disk.subarray(0, 512)).toEqual(sector);
    expect(disk.subarray(512).every((byte) => byte === 0)).toBe(true);
  });
});
