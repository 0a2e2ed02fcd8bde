import { describe, expect, it, vi } from 'vitest';
import { tryCell } from './cell.ts';
import { type Fault, faults } from './device.ts';
import { devices } from './devices.ts';

vi.setConfig({ maxConcurrency: 6, testTimeout: 60_000 });

/** Those that need nothing but this machine; `npm run fencing:contract` tries the others too. */
const quick = devices.filter(({ name }) =>
  ['Redfish emulator', 'agent of the tests'].includes(name),
);

describe.concurrent.for(quick)('the contract of fence drivers, $name', (device) => {
  it.for(faults)('%s', async (fault) => {
    const cell = await tryCell(device, fault);
    expect(cell).toEqual({
      device: device.name,
      fault,
      verdict: 'pass',
      // What it cannot have would pass too.
      reason: expect.stringContaining('then read'),
    });
  });
});

/** Minutes if all were tried: those in which ipmitool behind an agent would show a secret or ask twice. */
const telling: readonly Fault[] = ['ok', 'slow', 'wrong password'];
const ofSystem = devices.filter(({ name }) => ['fence_ipmilan', 'fence_redfish'].includes(name));

describe.concurrent.for(ofSystem)('the contract with an agent of the system, $name', (device) => {
  it.skipIf(device.missing !== null).for(telling)('%s', async (fault) => {
    expect(await tryCell(device, fault)).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('then read'),
    });
  });
});
