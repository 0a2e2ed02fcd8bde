import { describe, expect, it, test } from 'vitest';
import { stringify } from 'yaml';
import { parseVmFile } from '../../src/cli/vm-file/parse-vm-file.ts';
import { convert } from '../../src/kubevirt/convert.ts';
import { noMaps } from '../../src/kubevirt/site-maps.ts';
import { manifest, manifestNames, site } from './manifests.ts';

const made = (name: string, lose: readonly string[] = []) =>
  convert(manifest(name), { maps: site, lose });

const isRefused = (name: string): boolean => name.startsWith('no-');
const spec = 'spec.template.spec';
const devices = `${spec}.domain.devices`;

/** Fields that each manifest is refused for. */
const refusals: Readonly<Record<string, readonly string[]>> = {
  'no-sriov': [`${devices}.interfaces[0].sriov`, `${spec}.networks[0].multus.networkName`],
  'no-gpu': [
    `${devices}.gpus[0].name`,
    `${devices}.gpus[0].deviceName`,
    `${devices}.hostDevices[0].name`,
    `${devices}.hostDevices[0].deviceName`,
  ],
  'no-device-claims': [
    `${spec}.resourceClaims[0].name`,
    `${spec}.resourceClaims[0].resourceClaimName`,
  ],
  'no-hook': ['metadata.annotations["hooks.kubevirt.io/hookSidecars"]'],
  'no-foreign-architecture': [`${spec}.architecture`],
  'no-preset': ['spec.selector.matchLabels.size', 'spec.domain.memory.guest'],
  'no-pinning': [
    `${spec}.domain.cpu.dedicatedCpuPlacement`,
    `${spec}.domain.cpu.isolateEmulatorThread`,
    `${spec}.domain.cpu.numa.guestMappingPassthrough`,
  ],
  'no-unmapped-claim': [`${spec}.volumes[0].persistentVolumeClaim.claimName`],
  'no-shared-claim': [`${spec}.volumes[0].persistentVolumeClaim.claimName`],
  'no-unknown-field': [`${spec}.domain.memroy.guest`],
  'no-sev': [`${spec}.domain.launchSecurity.sev.session`],
  'no-missing-instancetype': ['spec.instancetype.name', `${spec}.domain.memory.guest`],
  'no-both-run-fields': ['spec.running'],
  'no-unfiltered-link': [`${devices}.interfaces[0].state`],
  'no-filesystem-and-lun': [
    `${spec}.volumes[0]`,
    `${devices}.disks[0].lun.bus`,
    `${devices}.disks[0].lun.reservation`,
    `${devices}.disks[1].disk.bus`,
    `${devices}.disks[1].blockSize.custom.logical`,
    `${devices}.disks[1].blockSize.custom.physical`,
    `${devices}.filesystems[0].name`,
    `${devices}.filesystems[0].virtiofs`,
  ],
  'no-config-volumes': [
    `${spec}.volumes[0].configMap.name`,
    `${spec}.volumes[1].secret.secretName`,
    `${spec}.volumes[2].serviceAccount.serviceAccountName`,
  ],
};

describe('manifests of our own writing', () => {
  it('are at least thirty, and each that is to be refused has its fields here', () => {
    expect(manifestNames.length).toBeGreaterThanOrEqual(30);
    expect(manifestNames.filter(isRefused)).toEqual(Object.keys(refusals).sort());
  });

  it.each(manifestNames.filter((name) => !isRefused(name)))('%s converts', async (name) => {
    const { objects, refused } = made(name);
    expect(refused).toEqual([]);
    for (const object of objects) {
      const parsed = await parseVmFile(stringify(object), { sharedPaths: [] });
      expect(parsed).toMatchObject({ kind: 'ok' });
    }
  });

  it.each(Object.entries(refusals))('%s is refused, with its fields named', (name, paths) => {
    const { objects, refused } = made(name);
    expect(refused.map((one) => one.path).sort()).toEqual([...paths].sort());
    expect(objects).toHaveLength(name === 'no-shared-claim' ? 1 : 0);
  });

  it.each(manifestNames)('%s: no secret is in what is said', (name) => {
    for (const maps of [site, noMaps]) {
      const said = JSON.stringify(convert(manifest(name), { maps, lose: [] }));
      expect(said).not.toMatch(/correct-horse-battery|hunter2|keymaterial/);
    }
  });
});

test('a VM with an image, a card and CPUs is the VM that one would write by hand', () => {
  expect(made('plain').objects).toEqual([
    {
      name: 'plain',
      desired: 'running',
      cpus: 2,
      cpu: { sockets: 1, cores: 2, threads: 1 },
      memory: '512MiB',
      machine: 'q35',
      graphics: 'vnc',
      disks: [{ sharedFile: '/srv/tiny/plain.qcow2', format: 'qcow2', bus: 'virtio' }],
      interfaces: [{ network: 'default', mac: '02:00:00:aa:bb:01', model: 'virtio' }],
    },
  ]);
});

test('disks are in the order in which they are booted from, and a CD-ROM is read-only', () => {
  const [vm] = made('sata-and-boot-order').objects;
  expect(vm?.disks).toEqual([
    { rbd: { pool: 'vms', image: 'root' }, format: 'raw', bus: 'sata' },
    { sharedFile: '/srv/data.img', format: 'raw', bus: 'sata' },
    { sharedFile: '/srv/tools.iso', format: 'raw', bus: 'sata', readOnly: true },
  ]);
});

test('an instance type and a preference are worked into the VM', () => {
  const [vm] = made('instancetype-and-preference').objects;
  expect(vm).toMatchObject({
    cpus: 2,
    cpu: { sockets: 1, cores: 2, threads: 1 },
    memory: '2048MiB',
    machine: 'pc-q35-7.2',
    firmware: { efi: { secureBoot: true } },
    clock: 'Europe/Berlin',
    tpm: true,
    interfaces: [{ bridge: 'br7', model: 'e1000e' }],
  });
  expect(vm?.overlay).toContain("<vendor_id state='on' value='Kennel'/>");
  expect(vm?.overlay).toContain("<timer name='hpet' present='no'/>");
  expect(made('cluster-instancetype').objects[0]).toMatchObject({
    cpus: 4,
    cpu: { model: 'hostModel', sockets: 4, cores: 1, threads: 1 },
    memory: '8192MiB',
    hugepages: '2MiB',
  });
});

test('a pool becomes VMs with disks of their own that keep apart', () => {
  const vms = made('pool').objects;
  expect(vms.map((vm) => [vm.name, vm.disks[0]?.rbd?.image, vm.separateFrom])).toEqual([
    ['web-0', 'web-root-0', ['web-1', 'web-2']],
    ['web-1', 'web-root-1', ['web-0', 'web-2']],
    ['web-2', 'web-root-2', ['web-0', 'web-1']],
  ]);
  expect(made('replica-set').objects.map((vm) => [vm.name, vm.cpus, vm.memory])).toEqual([
    ['worker-0', 2, '128MiB'],
    ['worker-1', 2, '128MiB'],
  ]);
});

test('what is wanted of a VM follows its run strategy', () => {
  expect(made('manual').objects[0]?.desired).toBe('disabled');
  expect(made('running-false').objects[0]?.desired).toBe('stopped');
  expect(made('instance').objects[0]).toMatchObject({
    desired: 'running',
    graphics: 'none',
    interfaces: [],
  });
});

test('labels of nodes become names of nodes, and a disk of a node binds the VM to it', () => {
  expect(made('affinity-by-labels').objects[0]?.nodes).toEqual(['node-1', 'node-2', 'node-3']);
  expect(made('host-disk').objects[0]).toMatchObject({
    nodes: ['node-2'],
    disks: [{ local: '/var/vms/root.img' }],
  });
});

test('a host name that cannot be one of a node here is mapped, or refused with the option that maps it', () => {
  const given = manifest('host-disk').map(({ file, document }) => ({
    file,
    document: JSON.parse(
      JSON.stringify(document).replaceAll('node-2', 'w2.example.com'),
    ) as unknown,
  }));
  const { refused, objects } = convert(given, { maps: site, lose: [] });
  expect(objects).toEqual([]);
  expect(refused).toMatchObject([
    {
      why: expect.stringContaining('no name of a node'),
      try: '--node-map kubernetes.io/hostname=w2.example.com=NODE,NODE',
    },
  ]);
  const node = new Map([['kubernetes.io/hostname=w2.example.com', ['node-2']]]);
  const mapped = convert(given, { maps: { ...site, node }, lose: [] });
  expect(mapped.objects[0]?.nodes).toEqual(['node-2']);
});

test('memory is rounded up, and that is said', () => {
  const { objects, losses } = made('several-claims');
  expect(objects[0]?.memory).toBe('1908MiB');
  expect(objects[0]?.disks.map((disk) => disk.sharedFile ?? disk.local ?? 'rbd')).toEqual([
    'rbd',
    '/srv/prod/data.img',
    '/scratch/many',
  ]);
  expect(losses.find((one) => one.path.endsWith('memory.guest'))?.why).toBe(
    'rounded up to 1908MiB',
  );
});

test('what a person gives up is lost, not refused', () => {
  const { objects, refused, losses } = made('no-gpu', ['devices.gpus', 'hostDevices[0]']);
  expect(refused).toEqual([]);
  expect(objects).toHaveLength(1);
  expect(losses.filter((one) => one.why.endsWith('given up by --lose'))).toHaveLength(4);
});

test('a volume that is given up takes its disk along', () => {
  const given = convert(manifest('sata-and-boot-order'), {
    maps: { ...site, pvc: new Map([...site.pvc].filter(([name]) => name !== 'tools')) },
    lose: ['volumes[2]'],
  });
  expect(given.refused).toEqual([]);
  expect(given.objects[0]?.disks).toHaveLength(2);
});
