import { expect, it } from 'vitest';
import { plainHardware } from '../../core/model/hardware.ts';
import { sampleVm } from '../testing/sample-views.ts';
import { hardwareFields } from './vm-hardware.ts';

const vm = sampleVm({ name: 'db-1' });

it('a plain machine has nothing to be said of', () => {
  expect(hardwareFields(vm)).toEqual([]);
});

it('says what a machine has, and what of it stays behind when it starts elsewhere', () => {
  const hardware = {
    ...plainHardware,
    cpu: {
      model: { kind: 'named', name: 'Nehalem' },
      require: ['aes'],
      disable: ['vmx'],
      topology: { sockets: 1, cores: 2, threads: 1 },
    },
    firmware: { kind: 'efi', secureBoot: true, variables: null },
    hugepageKiB: 2048,
    clock: { kind: 'localtime' },
  } as const;
  const definition = { kind: 'typed', machine: null, emulated: false, hardware } as const;
  expect(hardwareFields({ ...vm, spec: { ...vm.spec, definition } })).toEqual([
    ['cpu', 'Nehalem 1 × 2 × 1 (sockets, cores, threads) +aes -vmx'],
    ['hardware', 'EFI with secure boot, huge pages of 2 MiB, clock localtime'],
    ['stays behind', expect.stringContaining('EFI variables')],
  ]);
});
