import { instanceRows } from './instance.ts';
import { clockRows, featureRows, timerRows } from './machine.ts';
import { metadataRows, typeRows } from './metadata.ts';
import { preferredName } from './preferred-name.ts';
import { mapped, note, refused, type Row, under, weaker } from './row.ts';

/** What is known of one kind of manifest. */
export interface Kind {
  readonly kind: string;
  readonly group: string;
  /** What it becomes, for docs/kubevirt.md. */
  readonly becomes: string;
  readonly rows: readonly Row[];
}

const above = [...typeRows, ...under('metadata', metadataRows)];

const referenceRows: readonly Row[] = [
  mapped('kind', 'which of the files’ manifests is meant'),
  mapped('name', 'the named manifest is worked into the VM; it has to be among the files'),
  note('revisionName', 'the manifest of the files counts, not an old revision of it'),
  refused('inferFromVolume', 'only the cluster can look it up; write the name'),
  note('inferFromVolumeFailurePolicy', 'nothing is looked up'),
];

const machineRows: readonly Row[] = [
  mapped('running', '`desired`: running or stopped'),
  mapped('runStrategy', '`desired` and `limits`'),
  ...under('template.metadata', metadataRows).filter((row) => row.at !== 'template.metadata.name'),
  note('template.metadata.name', 'the VM has the name of its manifest'),
  ...under('template.spec', instanceRows),
  ...under('instancetype', referenceRows),
  ...under('preference', referenceRows),
  mapped('dataVolumeTemplates[].metadata.name', 'the name that --pvc-map takes'),
  note('dataVolumeTemplates[].metadata', 'Kubernetes keeps it for itself', { isSecret: true }),
  note('dataVolumeTemplates[].spec', 'the disk of --pvc-map has its contents already', {
    isSecret: true,
  }),
  note('dataVolumeTemplates[]', 'Kubernetes keeps it for itself', { isSecret: true }),
  note('updateVolumesStrategy', 'disks are not changed while a VM runs'),
];

const instancetypeRows: readonly Row[] = [
  mapped('cpu.guest', '`cpus`'),
  mapped('cpu.model', '`cpu.model`'),
  note('cpu.maxSockets', 'CPUs are not added to a running VM'),
  ...['dedicatedCPUPlacement', 'isolateEmulatorThread'].map((name) =>
    refused(`cpu.${name}`, 'Kennel does not pin CPUs, and the guest was promised that', {
      harmless: [false],
    }),
  ),
  refused('cpu.realtime', 'Kennel does not pin CPUs, and the guest was promised that'),
  refused('cpu.numa', 'the guest would see another topology of memory'),
  mapped('memory.guest', '`memory`, rounded up to whole MiB'),
  mapped('memory.hugepages.pageSize', '`hugepages`'),
  note('memory.maxGuest', 'memory is not added to a running VM'),
  note('memory.overcommitPercent', 'Kennel counts the memory of the guest'),
  note('annotations', 'no setting of Kennel lives in an annotation', { isSecret: true }),
  refused('gpus', 'a device of the node; `hostDevices` of a VM file names it by its address'),
  refused(
    'hostDevices',
    'a device of the node; `hostDevices` of a VM file names it by its address',
  ),
  note('ioThreadsPolicy', 'changes speed only'),
  refused('launchSecurity', 'the guest was promised that its node cannot read its memory', {
    isSecret: true,
  }),
  mapped('nodeSelector.*', '`nodes`, as that of a VM'),
  note('schedulerName', 'the scheduler of Kubernetes alone reads it'),
];

const wish = 'a wish of how devices are made, which Kennel does not take';

const preferenceRows: readonly Row[] = [
  note('annotations', 'no setting of Kennel lives in an annotation', { isSecret: true }),
  ...under('clock.preferredClockOffset', clockRows),
  ...under('clock.preferredTimer', timerRows),
  mapped('cpu.preferredCPUTopology', '`cpu`: what the CPUs of an instance type are'),
  mapped('cpu.preferredCPUFeatures[].name', '`cpu.require` or `cpu.disable`'),
  mapped('cpu.preferredCPUFeatures[].policy', '`cpu.require` or `cpu.disable`'),
  note('cpu.spreadOptions', 'CPUs that are spread are cores of one socket'),
  mapped('devices.preferredDiskBus', '`disks[].bus`'),
  mapped('devices.preferredCdromBus', '`disks[].bus`'),
  mapped('devices.preferredInterfaceModel', '`interfaces[].model`'),
  mapped('devices.preferredAutoattachGraphicsDevice', '`graphics`'),
  mapped('devices.preferredAutoattachPodInterface', 'whether a VM that names no card has one'),
  mapped('devices.preferredRng', '`overlay`'),
  mapped('devices.preferredTPM', '`tpm: true`'),
  mapped('devices.preferredTPM.enabled', '`tpm`'),
  weaker('devices.preferredTPM.persistent', 'the contents of a TPM stay on a node', {
    harmless: [false],
  }),
  refused('devices.preferredUseVirtioTransitional', 'an old guest may not find its disks', {
    harmless: [false],
  }),
  refused('devices.preferredDiskBlockSize', 'a file system may be unreadable with other sectors'),
  note('devices', wish),
  ...featureRows.map((row) => ({ ...row, at: `features.${preferredName(row.at)}` })),
  mapped('firmware.preferredUseBios', '`firmware: bios`'),
  mapped('firmware.preferredUseBiosSerial', '`overlay`'),
  mapped('firmware.preferredUseEfi', '`firmware: efi`'),
  mapped('firmware.preferredUseSecureBoot', '`firmware.efi.secureBoot`'),
  mapped('firmware.preferredEfi', '`firmware: efi`, with secure boot unless it is switched off'),
  mapped('firmware.preferredEfi.secureBoot', '`firmware.efi.secureBoot`'),
  weaker('firmware.preferredEfi.persistent', 'EFI variables stay on a node', { harmless: [false] }),
  mapped('machine.preferredMachineType', '`machine`'),
  note('preferSpreadSocketToCoreRatio', 'CPUs that are spread are cores of one socket'),
  note('preferredSubdomain', 'the guest is not in the DNS of a cluster'),
  note(
    'preferredTerminationGracePeriodSeconds',
    'kennel settings say how long a guest may shut down',
  ),
  refused('preferredArchitecture', 'the nodes are x86-64', { harmless: ['amd64'] }),
  mapped('requirements.cpu.guest', 'a VM that has fewer is refused'),
  mapped('requirements.memory.guest', 'a VM that has less is refused'),
  refused('requirements.architecture', 'the nodes are x86-64', { harmless: ['amd64'] }),
  note('volumes', 'disks exist already'),
];

const poolRows: readonly Row[] = [
  mapped('replicas', 'so many VMs, `NAME-0` and on'),
  note('selector', 'the VMs stand for themselves'),
  ...under('virtualMachineTemplate.metadata', metadataRows).filter(
    (row) => row.at !== 'virtualMachineTemplate.metadata.name',
  ),
  note('virtualMachineTemplate.metadata.name', 'the VMs have the name of the pool'),
  ...under('virtualMachineTemplate.spec', machineRows),
  weaker('autohealing', 'a VM that fails is restarted, never made anew'),
  note('paused', 'nothing makes or removes VMs by itself'),
  note('maxUnavailable', 'nothing makes or removes VMs by itself'),
  note('scaleInStrategy', 'nothing makes or removes VMs by itself'),
  note('updateStrategy', 'nothing makes or removes VMs by itself'),
  refused('nameGeneration', 'each VM would read a config map or secret of its own', {
    harmless: [false],
  }),
];

const replicaSetRows: readonly Row[] = [
  mapped('replicas', 'so many VMs, `NAME-0` and on'),
  note('selector', 'the VMs stand for themselves'),
  note('paused', 'nothing makes or removes VMs by itself'),
  ...under('template.metadata', metadataRows).filter((row) => row.at !== 'template.metadata.name'),
  note('template.metadata.name', 'the VMs have the name of the set'),
  ...under('template.spec', instanceRows),
];

const migrationRows: readonly Row[] = [
  weaker('allowAutoConverge', 'kennel vm migrate --no-auto-converge says it for one migration', {
    harmless: [true],
  }),
  weaker('bandwidthPerMigration', 'kennel vm migrate --bandwidth says it for one migration'),
  weaker('completionTimeoutPerGiB', 'kennel vm migrate --deadline says it for one migration'),
  note('allowPostCopy', 'a VM is never spread over two nodes', { harmless: [false] }),
  note('allowWorkloadDisruption', 'a migration that takes too long is given up'),
  note('selectors', 'it applies to nothing, as the rest is lost'),
];

const kubevirt = 'kubevirt.io';
const types = 'instancetype.kubevirt.io';

export const kinds: readonly Kind[] = [
  {
    kind: 'VirtualMachine',
    group: kubevirt,
    becomes: 'a VM',
    rows: [...above, ...under('spec', machineRows)],
  },
  {
    kind: 'VirtualMachineInstance',
    group: kubevirt,
    becomes: 'a VM that is desired `running`',
    rows: [...above, ...under('spec', instanceRows)],
  },
  {
    kind: 'VirtualMachineInstanceReplicaSet',
    group: kubevirt,
    becomes: 'as many VMs as it has replicas',
    rows: [...above, ...under('spec', replicaSetRows)],
  },
  {
    kind: 'VirtualMachinePool',
    group: 'pool.kubevirt.io',
    becomes: 'as many VMs as it has replicas',
    rows: [...above, ...under('spec', poolRows)],
  },
  ...['VirtualMachineInstancetype', 'VirtualMachineClusterInstancetype'].map((kind) => ({
    kind,
    group: types,
    becomes: 'nothing of its own: it is worked into the VMs that name it',
    rows: [...above, ...under('spec', instancetypeRows)],
  })),
  ...['VirtualMachinePreference', 'VirtualMachineClusterPreference'].map((kind) => ({
    kind,
    group: types,
    becomes: 'nothing of its own: it is worked into the VMs that name it, where they say nothing',
    rows: [...above, ...under('spec', preferenceRows)],
  })),
  {
    kind: 'MigrationPolicy',
    group: 'migrations.kubevirt.io',
    becomes: 'nothing: bounds are said for each migration',
    rows: [...above, ...under('spec', migrationRows)],
  },
  {
    kind: 'VirtualMachineInstanceMigration',
    group: kubevirt,
    becomes: 'nothing: `kennel vm migrate` begins one',
    rows: [...above, note('spec', 'one migration, not a setting: kennel vm migrate')],
  },
  {
    kind: 'VirtualMachineInstancePreset',
    group: kubevirt,
    becomes: 'refused: write what it sets into the VMs',
    rows: [...above, refused('spec', 'a preset changes VMs behind their backs')],
  },
];

/** Any other object that stands in the same file. Secrets are among them. */
export const foreignKind: Kind = {
  kind: '',
  group: '',
  becomes: 'nothing',
  rows: [note('', 'not an object that VMs are made from', { isSecret: true })],
};

/** A kind of KubeVirt's that is not in the table may hold a VM. */
export const unknownKind: Kind = {
  kind: '',
  group: '',
  becomes: 'refused',
  rows: [refused('', 'a kind of KubeVirt’s that is not known here', { isSecret: true })],
};

/** What says no kind. */
export const noKind: Kind = {
  kind: '',
  group: '',
  becomes: 'refused',
  rows: [refused('', 'no object of Kubernetes: it has no kind', { isSecret: true })],
};
