import { describe, expect, it } from 'vitest';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { VmDisk, VmSpec } from '../../src/core/model/vm.ts';
import { domainXml } from './domain-xml.ts';
import { readDomainXml } from './domain-xml-read.ts';

const permit: Permit = {
  vm: vmId('00112233-4455-4677-8899-aabbccddeeff'),
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(7),
};

const disk = (source: VmDisk['source'], more: Partial<VmDisk> = {}): VmDisk => ({
  source,
  format: 'raw',
  bus: 'virtio',
  readOnly: false,
  ...more,
});

const spec: VmSpec = {
  name: 'db-1',
  vcpus: 2,
  memoryMiB: 1024,
  disks: [disk({ kind: 'nbd', host: '10.0.0.9', port: 10_809, export: 'db-1' })],
  interfaces: [
    { mac: '52:54:00:00:00:01', attach: { kind: 'bridge', bridge: 'br0' }, model: 'virtio' },
  ],
  priority: 'medium',
  definition: { kind: 'typed', machine: 'pc-q35-7.2', emulated: false },
  consoleLog: '/var/log/kennel/db-1.log',
  separateFrom: [],
  nodes: [],
  limits: { restarts: 2, relocations: 2 },
};

const xmlOf = (changed: Partial<VmSpec>, emulated = false): string => {
  const written = domainXml({ ...spec, ...changed }, { machine: null, emulated }, permit);
  if (written.kind === 'invalid') throw new Error(written.message);
  return written.xml;
};
const disksOf = (...disks: readonly VmDisk[]): string =>
  /<devices>\n(?<disks>[^]*?) {4}<controller/.exec(xmlOf({ disks }))?.groups?.['disks'] ?? '';

describe('domain XML of a typed spec', () => {
  it('is this, for a KVM guest with an NBD disk, a bridge and a console log', () => {
    const definition = { machine: 'pc-q35-7.2', emulated: false };
    expect(domainXml(spec, definition, permit)).toEqual({
      kind: 'ok',
      xml: `<domain type="kvm">
  <name>db-1</name>
  <uuid>00112233-4455-4677-8899-aabbccddeeff</uuid>
  <metadata>
    <kennel:permit xmlns:kennel="urn:kennel:permit:1" vm="00112233-4455-4677-8899-aabbccddeeff" node="node-1" incarnation="boot.1" token="7"/>
  </metadata>
  <memory unit="MiB">1024</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch="x86_64" machine="pc-q35-7.2">hvm</type>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <cpu mode="host-model" check="partial"/>
  <clock offset="utc"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="network" device="disk">
      <driver name="qemu" type="raw" cache="none" error_policy="stop"/>
      <source protocol="nbd" name="db-1">
        <host name="10.0.0.9" port="10809"/>
      </source>
      <target dev="vda" bus="virtio"/>
    </disk>
    <controller type="usb" index="0" model="none"/>
    <interface type="bridge">
      <mac address="52:54:00:00:00:01"/>
      <source bridge="br0"/>
      <model type="virtio"/>
    </interface>
    <serial type="file">
      <source path="/var/log/kennel/db-1.log" append="on"/>
      <target port="0"/>
    </serial>
    <channel type="unix">
      <target type="virtio" name="org.qemu.guest_agent.0"/>
    </channel>
    <memballoon model="none"/>
    <panic model="isa"/>
  </devices>
</domain>
`,
    });
  });

  it('an emulated guest is of type qemu with a small translation cache', () => {
    const cache = (memoryMiB: number): string =>
      /<tb-cache unit="MiB">(?<size>\d+)</.exec(xmlOf({ memoryMiB }, true))?.groups?.['size'] ?? '';
    expect(xmlOf({}, true)).toMatch(/^<domain type="qemu">/);
    expect(xmlOf({}, true)).not.toContain('<cpu');
    expect([cache(1), cache(2), cache(96), cache(4096)]).toEqual(['1', '1', '32', '32']);
    expect(xmlOf({}, false)).not.toContain('tb-cache');
  });

  it('every kind of disk has its source, and an I/O error stops the guest', () => {
    const iscsi = (portal: string) =>
      disk({ kind: 'iscsi', portal, target: 'iqn.2020-01.org.x:a', lun: 3 });
    expect(disksOf(disk({ kind: 'rbd', pool: 'vms', image: 'db-1' }))).toContain(
      '<source protocol="rbd" name="vms/db-1"/>',
    );
    for (const [portal, host] of [
      ['10.0.0.9:3261', 'name="10.0.0.9" port="3261"'],
      ['san.example', 'name="san.example" port="3260"'],
      ['[fd00::9]:3261', 'name="fd00::9" port="3261"'],
      ['[fd00::9]', 'name="fd00::9" port="3260"'],
      ['fd00::9', 'name="fd00::9" port="3260"'],
    ] as const) {
      const xml = disksOf(iscsi(portal));
      expect(xml).toContain('<source protocol="iscsi" name="iqn.2020-01.org.x:a/3">');
      expect(xml).toContain(`<host ${host}/>`);
    }
    expect(disksOf(disk({ kind: 'sharedFile', path: '/srv/a.qcow2' }, { format: 'qcow2' }))).toBe(
      `    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" cache="none" error_policy="stop"/>
      <source file="/srv/a.qcow2"/>
      <target dev="vda" bus="virtio"/>
    </disk>
`,
    );
    expect(disksOf(disk({ kind: 'local', path: '/dev/sdb' }))).toContain(
      '<source dev="/dev/sdb"/>',
    );
  });

  it('each bus counts its own names, past z', () => {
    const file = { kind: 'sharedFile', path: '/a' } as const;
    const many = Array.from({ length: 28 }, () => disk(file));
    const names = [...disksOf(...many).matchAll(/target dev="(?<name>\w+)"/g)].map((m) => m[1]);
    expect([names[0], names[25], names[26], names[27]]).toEqual(['vda', 'vdz', 'vdaa', 'vdab']);
    const mixed = disksOf(disk(file, { bus: 'sata' }), disk(file), disk(file, { bus: 'scsi' }));
    expect(mixed).toMatch(/sda" bus="sata"[^]*vda" bus="virtio"[^]*sdb" bus="scsi"/);
    expect(xmlOf({ disks: [disk(file, { bus: 'scsi' })] })).toContain('model="virtio-scsi"');
  });

  it('a read-only disk is a CD-ROM on buses that have no read-only disks', () => {
    const file = { kind: 'sharedFile', path: '/a.iso' } as const;
    expect(disksOf(disk(file, { readOnly: true, bus: 'sata' }))).toMatch(
      /device="cdrom"[^]*<readonly\/>/,
    );
    expect(disksOf(disk(file, { readOnly: true }))).toMatch(/device="disk"[^]*<readonly\/>/);
  });

  it('what it says is what is read back from it', () => {
    const read = readDomainXml(xmlOf({}));
    expect(read).toMatchObject({
      kind: 'ok',
      domain: {
        uuid: permit.vm,
        name: 'db-1',
        memoryMiB: 1024,
        vcpus: 2,
        permit,
        disks: [{ source: spec.disks[0]?.source, location: 'network', bus: 'virtio' }],
        interfaces: spec.interfaces,
      },
    });
  });

  it('V6: a spec that cannot be a domain is refused with every reason', () => {
    const wrong = {
      name: 'a/b',
      vcpus: 0,
      memoryMiB: 1.5,
      disks: [disk({ kind: 'sharedFile', path: 'relative' })],
      interfaces: [{ ...spec.interfaces[0], mac: '52:54:00' }] as VmSpec['interfaces'],
      consoleLog: 'log',
    };
    const written = domainXml({ ...spec, ...wrong }, { machine: null, emulated: true }, permit);
    expect(written.kind === 'invalid' && written.message.split('; ')).toEqual([
      'name "a/b" is empty or has a slash',
      'vcpus 0 is not >= 1',
      'memoryMiB 1.5 is not >= 1',
      'mac 52:54:00 is not six hex pairs',
      'disk relative is not absolute',
      'consoleLog log is not absolute',
    ]);
    const control = domainXml(
      { ...spec, name: 'a\u0001' },
      { machine: null, emulated: true },
      permit,
    );
    expect(control.kind).toBe('invalid');
  });
});
