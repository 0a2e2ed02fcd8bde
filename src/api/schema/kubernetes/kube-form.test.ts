import { expect, test } from 'vitest';
import { diskSourceSchema, vmDiskSchema } from '../vm-spec.ts';
import { vmHardwareSchema } from '../vm-hardware.ts';
import { apiValue, kubeForm } from './kube-form.ts';

test('the kind of a choice is the field that is there', () => {
  const given = { nbd: { host: 'h', port: 10_809, export: 'a' } };
  const checked = kubeForm(diskSourceSchema).parse(given);
  expect(apiValue(diskSourceSchema, checked)).toEqual({ kind: 'nbd', ...given.nbd });
});

test('no choice and two choices are refused, naming all', () => {
  const form = kubeForm(diskSourceSchema);
  for (const given of [{}, { local: { path: '/a' }, sharedFile: { path: '/a' } }]) {
    const message = form.safeParse(given).error?.issues[0]?.message;
    expect(message).toBe('exactly one of nbd, rbd, iscsi, sharedFile, local');
  }
});

test('what the API calls null is absent, lists are empty and flags false unless given', () => {
  const checked = kubeForm(vmHardwareSchema).parse({
    firmware: { efi: { secureBoot: true } },
    clock: { utc: {} },
    graphics: 'Vnc',
    watchdog: { model: 'I6300esb', action: 'Poweroff' },
  });
  const value = apiValue(vmHardwareSchema, checked);
  expect(value).toEqual({
    cpu: null,
    firmware: { kind: 'efi', secureBoot: true, variables: null },
    hugepageKiB: null,
    clock: { kind: 'utc' },
    graphics: 'vnc',
    watchdog: { model: 'i6300esb', action: 'poweroff' },
    tpm: false,
    hostDevices: [],
    overlay: null,
  });
  expect(vmHardwareSchema.safeParse(value).success).toBe(true);
});

test('the bounds of the API hold in Kubernetes', () => {
  const form = kubeForm(vmDiskSchema);
  const disk = { format: 'Raw', bus: 'Virtio', source: { sharedFile: { path: '/a' } } };
  expect(form.safeParse(disk).success).toBe(true);
  expect(form.safeParse({ ...disk, bus: 'Floppy' }).success).toBe(false);
  expect(form.safeParse({ ...disk, source: { sharedFile: { path: 'a' } } }).success).toBe(false);
  expect(form.safeParse({ ...disk, colour: 'red' }).success).toBe(false);
});
