import { mapped, note, refused, type Row, under, weaker } from './row.ts';

const noGuarantee = 'Kennel does not pin CPUs, and the guest was promised that';
const placeOnBus = 'the guest may know the device by it';
const speed = 'changes speed only';

const hypervFeatures = [
  'relaxed',
  'vapic',
  'vpindex',
  'runtime',
  'synic',
  'reset',
  'frequencies',
  'reenlightenment',
  'tlbflush',
  'ipi',
  'evmcs',
] as const;

/** Features, by the names that VMs have for them; preferences have the same with a prefix. */
export const featureRows: readonly Row[] = [
  refused('acpi.enabled', 'every VM of Kennel has ACPI', { harmless: [true] }),
  refused('apic.enabled', 'every VM of Kennel has an APIC', { harmless: [true] }),
  mapped('apic.endOfInterrupt', '`overlay`'),
  ...hypervFeatures.map((name) => mapped(`hyperv.${name}.enabled`, '`overlay`')),
  ...hypervFeatures.map((name) => mapped(`hyperv.${name}`, '`overlay`')),
  mapped('hyperv.spinlocks.enabled', '`overlay`'),
  mapped('hyperv.spinlocks.spinlocks', '`overlay`'),
  mapped('hyperv.synictimer', '`overlay`'),
  mapped('hyperv.synictimer.enabled', '`overlay`'),
  mapped('hyperv.synictimer.direct', '`overlay`'),
  mapped('hyperv.synictimer.direct.enabled', '`overlay`'),
  mapped('hyperv.spinlocks', '`overlay`'),
  mapped('hyperv.vendorid', '`overlay`'),
  mapped('hyperv.vendorid.enabled', '`overlay`'),
  mapped('hyperv.vendorid.vendorid', '`overlay`'),
  note('hyperv.tlbflush.direct', speed),
  note('hyperv.tlbflush.extended', speed),
  mapped('hypervPassthrough.enabled', '`overlay`'),
  mapped('kvm.hidden', '`overlay`'),
  mapped('pvspinlock.enabled', '`overlay`'),
  mapped('smm.enabled', '`overlay`, unless secure boot asks for it'),
];

export const clockRows: readonly Row[] = [
  mapped('timezone', '`clock`'),
  mapped('utc.offsetSeconds', '`overlay`'),
  mapped('utc', '`clock: utc`'),
];

export const timerRows: readonly Row[] = ['hpet', 'hyperv', 'kvm', 'pit', 'rtc'].flatMap((name) => [
  mapped(name, '`overlay`'),
  mapped(`${name}.present`, '`overlay`'),
  ...(['pit', 'rtc', 'hpet'].includes(name) ? [mapped(`${name}.tickPolicy`, '`overlay`')] : []),
  ...(name === 'rtc' ? [mapped('rtc.track', '`overlay`')] : []),
]);

const cpuRows: readonly Row[] = [
  mapped('cores', '`cpus` and `cpu.cores`'),
  mapped('sockets', '`cpus` and `cpu.sockets`'),
  mapped('threads', '`cpus` and `cpu.threads`'),
  mapped('model', '`cpu.model`'),
  mapped('features[].name', '`cpu.require` or `cpu.disable`'),
  mapped('features[].policy', '`cpu.require` or `cpu.disable`'),
  note('maxSockets', 'CPUs are not added to a running VM'),
  refused('dedicatedCpuPlacement', noGuarantee, { harmless: [false] }),
  refused('isolateEmulatorThread', noGuarantee, { harmless: [false] }),
  refused('realtime', noGuarantee),
  refused('numa', 'the guest would see another topology of memory'),
];

const memoryRows: readonly Row[] = [
  mapped('guest', '`memory`, rounded up to whole MiB'),
  mapped('hugepages.pageSize', '`hugepages`'),
  note('maxGuest', 'memory is not added to a running VM'),
  note('reservedOverhead', 'Kennel counts the memory of the guest'),
];

const firmwareRows: readonly Row[] = [
  mapped('uuid', '`id`'),
  mapped('serial', '`overlay`'),
  mapped('bootloader.bios', '`firmware: bios`'),
  mapped('bootloader.bios.useSerial', '`overlay`'),
  mapped('bootloader.efi', '`firmware: efi`, with secure boot unless it is switched off'),
  mapped('bootloader.efi.secureBoot', '`firmware.efi.secureBoot`'),
  weaker(
    'bootloader.efi.persistent',
    'EFI variables stay on a node: give `variables` a shared file',
    {
      harmless: [false],
    },
  ),
  refused('kernelBoot', 'a VM of Kennel boots from its disks', { isSecret: true }),
  weaker('acpi', 'tables with the licence of a vendor are not given to the guest'),
];

const diskRows: readonly Row[] = [
  mapped('name', 'joins a disk to its volume'),
  mapped('bootOrder', 'the order of `disks`: a VM boots from the first that it can'),
  mapped('disk', '`disks[]`'),
  mapped('disk.bus', '`disks[].bus`; KubeVirt takes `sata` when nothing is said'),
  mapped('disk.readonly', '`disks[].readOnly`'),
  weaker('disk.pciAddress', placeOnBus),
  mapped('cdrom', '`disks[]`, read-only; on `sata` it is a CD-ROM'),
  mapped('cdrom.bus', '`disks[].bus`'),
  mapped('cdrom.readonly', '`disks[].readOnly`'),
  note('cdrom.tray', 'a CD-ROM is always in'),
  refused('lun', 'the guest would speak SCSI to a device of the node'),
  refused('floppy', 'there are no floppy disks'),
  note('cache', 'Kennel always goes past the page cache, so that a recovery misses no write', {
    harmless: ['none'],
  }),
  note('io', speed),
  note('dedicatedIOThread', speed, { harmless: [false] }),
  refused('blockSize', 'a file system may be unreadable with sectors of another size'),
  weaker('serial', placeOnBus),
  note('tag', 'tells a guest the use of a device by way of cloud-init'),
  refused('shareable', 'two VMs never write to one disk', { harmless: [false] }),
  weaker('errorPolicy', 'an I/O error always stops the VM', { harmless: ['stop'] }),
  note('changedBlockTracking', 'backups are made elsewhere', { harmless: [false] }),
];

const interfaceRows: readonly Row[] = [
  mapped('name', 'joins a card to its network'),
  mapped('macAddress', '`interfaces[].mac`'),
  mapped('model', '`interfaces[].model`'),
  mapped('bridge', '`interfaces[]`, by --network-map'),
  mapped('masquerade', '`interfaces[]`, by --network-map, or the libvirt network `default`'),
  refused('sriov', 'a function of a network card belongs to one node'),
  refused('macvtap', 'there is no such attachment'),
  refused('slirp', 'there is no such attachment'),
  refused('passt', 'there is no such attachment'),
  refused('passtBinding', 'there is no such attachment'),
  refused('binding', 'a plugin of the cluster attaches it'),
  refused('bootOrder', 'a VM of Kennel boots from its disks'),
  refused('state', 'a card that was cut off would be connected', { harmless: ['up', ''] }),
  weaker('ports', 'nothing is filtered: all of the VM can be reached'),
  weaker('portRanges', 'nothing is filtered: all of the VM can be reached'),
  weaker('dhcpOptions', 'the DHCP server of the network decides', { isSecret: true }),
  weaker('pciAddress', placeOnBus),
  weaker('acpiIndex', placeOnBus),
  note('tag', 'tells a guest the use of a device by way of cloud-init'),
];

const deviceRows: readonly Row[] = [
  ...under('disks[]', diskRows),
  ...under('interfaces[]', interfaceRows),
  mapped('autoattachGraphicsDevice', '`graphics`'),
  note('autoattachInputDevice', 'a VM with a screen has a mouse and a keyboard'),
  note('autoattachMemBalloon', 'there is no balloon', { harmless: [false] }),
  mapped('autoattachPodInterface', 'without it a VM that names no card has one in network `pod`'),
  note('autoattachSerialConsole', 'there is always a serial console', { harmless: [true] }),
  refused('autoattachVSOCK', 'there is no socket between guest and node', { harmless: [false] }),
  note('blockMultiQueue', speed),
  note('networkInterfaceMultiqueue', speed),
  refused('clientPassthrough', 'no device is redirected to a VM'),
  note('disableHotplug', 'nothing is added to a running VM'),
  refused('downwardMetrics', 'the guest would miss its device'),
  refused('filesystems', 'directories are not shared with a VM'),
  refused('gpus', 'a device of the node; `hostDevices` of a VM file names it by its address'),
  refused(
    'hostDevices',
    'a device of the node; `hostDevices` of a VM file names it by its address',
  ),
  note('inputs', 'a VM with a screen has a mouse and a keyboard'),
  note('logSerialConsole', '`consoleLog` of a VM file keeps it'),
  note('panicDevices', 'there is always one'),
  mapped('rng', '`overlay`'),
  weaker('sound', 'there is no sound'),
  mapped('tpm', '`tpm: true`'),
  mapped('tpm.enabled', '`tpm`'),
  weaker('tpm.persistent', 'the contents of a TPM stay on a node', { harmless: [false] }),
  refused('useVirtioTransitional', 'an old guest may not find its disks', { harmless: [false] }),
  note('video', 'a screen is VGA'),
  note('watchdog.name', 'a name within the manifest'),
  mapped('watchdog.i6300esb', '`watchdog`'),
  mapped('watchdog.i6300esb.action', '`watchdog.action`'),
  refused('watchdog.diag288', 'a device of another architecture'),
];

/** `domain` of a VM: its machine. */
export const domainRows: readonly Row[] = [
  ...under(
    'chassis',
    ['manufacturer', 'version', 'serial', 'asset', 'sku'].map((at) => mapped(at, '`overlay`')),
  ),
  ...under('clock', clockRows),
  ...under('clock.timer', timerRows),
  ...under('cpu', cpuRows),
  ...under('memory', memoryRows),
  ...under('firmware', firmwareRows),
  ...under('features', featureRows),
  ...under('devices', deviceRows),
  mapped('machine.type', '`machine`; KubeVirt takes `q35` when nothing is said'),
  note('ioThreads', speed),
  note('ioThreadsPolicy', speed),
  refused('launchSecurity', 'the guest was promised that its node cannot read its memory', {
    isSecret: true,
  }),
  weaker('rebootPolicy', 'a guest that reboots goes on as it is', { harmless: ['Reboot'] }),
  mapped('resources.requests.memory', '`memory`, where no memory of the guest is given'),
  mapped('resources.limits.memory', '`memory`, where nothing else says it'),
  mapped('resources.requests.cpu', '`cpus`, where `cpu` says nothing'),
  mapped('resources.limits.cpu', '`cpus`, where `cpu` says nothing'),
  refused('resources.requests', 'a resource that only Kubernetes counts'),
  refused('resources.limits', 'a resource that only Kubernetes counts'),
  note('resources.overcommitGuestOverhead', 'Kennel counts the memory of the guest'),
];
