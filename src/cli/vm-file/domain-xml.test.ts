import { describe, expect, test } from 'vitest';
import { parseVmFile } from './parse-vm-file.ts';
import { specProblemLines } from './spec-problem.ts';

interface Parts {
  readonly head?: string;
  readonly devices?: string;
}

function domain({ head, devices }: Parts): string {
  return [
    "<domain type='kvm'>",
    head ?? "<name>db-1</name><memory unit='GiB'>2</memory><vcpu placement='static'>4</vcpu>",
    `<devices>${devices ?? ''}</devices>`,
    '</domain>',
  ].join('\n');
}

async function parse(xml: string, sharedPaths: readonly string[] = []) {
  const parsed = await parseVmFile(xml, { sharedPaths });
  if (parsed.kind === 'ok') {
    const [vm] = parsed.value;
    if (vm === undefined) throw new Error('no VM came out');
    return { body: vm.body, notes: vm.notes, problems: [] };
  }
  return { body: null, notes: [], problems: specProblemLines('d.xml', parsed.problems) };
}

test('name, UUID, size and the XML itself are taken over', async () => {
  const xml = domain({
    head: '<name>db-1</name><uuid>6F0C2F6E-8C1B-4A55-9A86-0D3C8B8F0001</uuid><memory>2097152</memory><vcpu>4</vcpu>',
  });
  const { body } = await parse(`<?xml version="1.0"?>\n${xml}`);
  expect(body).toMatchObject({
    id: '6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001',
    desired: 'running',
    node: null,
    spec: { name: 'db-1', vcpus: 4, memoryMiB: 2048, priority: 'medium' },
  });
  expect(body?.spec.definition).toEqual({ kind: 'xml', xml: `<?xml version="1.0"?>\n${xml}` });
});

test.each([
  ["<memory unit='MiB'>512</memory>", 512],
  ["<memory unit='bytes'>1048577</memory>", 2],
  ["<memory unit='GB'>1</memory>", 954],
  ['<memory>1048576</memory>', 1024],
])('%s is %d MiB, rounded up', async (memory, mib) => {
  const { body } = await parse(domain({ head: `<name>a</name>${memory}` }));
  expect(body?.spec.memoryMiB).toBe(mib);
});

const file = (path: string, more = '<target dev="vda" bus="virtio"/>'): string =>
  `<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="${path}"/>${more}</disk>`;

test('a disk file belongs to one node unless a shared path covers it', async () => {
  const devices =
    file('/srv/vms/a.qcow2') + file('/srv/vms-old/b.qcow2') + file('/srv/vms/../c.qcow2');
  const { body, notes } = await parse(domain({ devices }), ['/srv/vms/']);
  expect(body?.spec.disks.map((disk) => disk.source.kind)).toEqual([
    'sharedFile',
    'local',
    'local',
  ]);
  expect(notes).toHaveLength(2);
});

test('network disks keep host, port and name', async () => {
  const network = (source: string): string =>
    `<disk type="network"><driver type="raw"/>${source}<target dev="vda" bus="scsi"/></disk>`;
  const devices = [
    network('<source protocol="nbd" name="db-1"><host name="s1"/></source>'),
    network('<source protocol="rbd" name="vms/ns/db-1"><host name="mon" port="6789"/></source>'),
    network('<source protocol="iscsi" name="iqn.2026:x/3"><host name="san" port="3260"/></source>'),
  ].join('');
  const { body } = await parse(domain({ devices }));
  expect(body?.spec.disks.map((disk) => disk.source)).toEqual([
    { kind: 'nbd', host: 's1', port: 10_809, export: 'db-1' },
    { kind: 'rbd', pool: 'vms', image: 'ns/db-1' },
    { kind: 'iscsi', portal: 'san:3260', target: 'iqn.2026:x', lun: 3 },
  ]);
});

test('an empty drive is left out, a medium in it is read only', async () => {
  const target = '<target dev="sda" bus="sata"/>';
  const devices = [
    `<disk type="file" device="cdrom">${target}</disk>`,
    `<disk type="file" device="cdrom"><source file="/iso/a.iso"/>${target}</disk>`,
  ].join('');
  const { body } = await parse(domain({ devices }));
  expect(body?.spec.disks).toEqual([
    {
      source: { kind: 'local', path: '/iso/a.iso' },
      format: 'raw',
      bus: 'sata',
      readOnly: true,
    },
  ]);
});

test('cards keep address, model and network', async () => {
  const devices = [
    '<interface type="bridge"><mac address="52:54:00:AA:00:01"/><source bridge="br0"/><model type="virtio"/></interface>',
    '<interface type="network"><mac address="52:54:00:aa:00:02"/><source network="default"/></interface>',
  ].join('');
  const { body } = await parse(domain({ devices }));
  expect(body?.spec.interfaces).toEqual([
    { mac: '52:54:00:aa:00:01', attach: { kind: 'bridge', bridge: 'br0' }, model: 'virtio' },
    { mac: '52:54:00:aa:00:02', attach: { kind: 'network', network: 'default' }, model: 'rtl8139' },
  ]);
});

test('V18: a passed-through device is allowed, and its consequence is told', async () => {
  const { notes } = await parse(domain({ devices: '<hostdev mode="subsystem"/>' }));
  expect(notes).toEqual([
    'db-1: a device of one node is passed through, so it cannot be restarted on another',
  ]);
});

describe('V6: a domain XML that cannot be used is refused with line and reason', () => {
  test.each([
    ['a cut-off file', '<domain>\n<name>a</name>', /d\.xml:\d+: it is not well-formed/],
    ['another root', '<network/>', /1: its root is <network>, a VM is a <domain>/],
    ['entities', '<!DOCTYPE d [<!ENTITY a "b">]><domain/>', /document type is not taken/],
    ['no memory', domain({ head: '<name>a</name>' }), /:1: memory: is missing/],
    [
      'an unknown unit',
      domain({ head: '<name>a</name>\n<memory unit="cups">2</memory>' }),
      /:3: memory: is not an amount/,
    ],
    ['no name', domain({ head: '<memory>2097152</memory>' }), /name: must be 1 to 63/],
    [
      'a name with capitals',
      domain({ head: '<name>DB_1</name>\n<memory>2097152</memory>' }),
      /:2: name: .*virsh domrename/,
    ],
    [
      'a bus of old',
      domain({ devices: file('/a', '<target dev="fda" bus="fdc"/>') }),
      /disk fda: bus "fdc" is not supported/,
    ],
    [
      'an image of others',
      domain({ devices: file('/a').replace('qcow2', 'vmdk') }),
      /format "vmdk" is not supported/,
    ],
    [
      'a pool volume',
      domain({
        devices: '<disk type="volume"><source pool="p" volume="v"/><target dev="vda"/></disk>',
      }),
      /disk vda: a source of type "volume" is not supported/,
    ],
    [
      'a disk without a source',
      domain({ devices: '<disk type="file"><target dev="vda"/></disk>' }),
      /disk vda: has no source/,
    ],
    [
      'a card without an address',
      domain({ devices: '<interface type="bridge"><source bridge="b"/></interface>' }),
      /has no MAC address/,
    ],
    [
      'a direct card',
      domain({
        devices: '<interface type="direct"><mac address="52:54:00:aa:00:01"/></interface>',
      }),
      /of type "direct"/,
    ],
  ])('%s', async (_, xml, expected) => {
    expect((await parse(xml)).problems[0]).toMatch(expected);
  });
});
