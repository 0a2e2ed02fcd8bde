import { describe, expect, it } from 'vitest';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import { patchDomainXml, readDomainXml } from './domain-xml-read.ts';
import { maxXmlBytes } from './xml-parse.ts';

const permit: Permit = {
  vm: vmId('00112233-4455-4677-8899-aabbccddeeff'),
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(7),
};

const theirs = `<?xml version="1.0"?>
<!-- made by hand; keep -->
<domain type='kvm' id='3' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>legacy &amp; old</name>
  <uuid>AAAAAAAA-4455-4677-8899-AABBCCDDEEFF</uuid>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
    <old:permit xmlns:old='urn:kennel:permit:1' vm='x' node='y' incarnation='z' token='1'/>
    <permit xmlns='urn:other' token='9'/>
  </metadata>
  <memory unit='GiB'>2</memory>
  <vcpu placement='static' current='1'>4</vcpu>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/var/lib/libvirt/images/a.qcow2'/>
      <backingStore type='file'><source file='/base.qcow2'/></backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='network' device='disk'>
      <source protocol='rbd' name='vms/data/1'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <disk type='network' device='disk'>
      <source protocol='iscsi' name='iqn.2020-01.org.x:a/3'><host name='fd00::9'/></source>
      <target dev='sda' bus='scsi'/>
    </disk>
    <disk type='network'><source protocol='gluster' name='v/i'/><target dev='vdc'/></disk>
    <disk type='volume'><source pool='p' volume='v'/><target dev='vdd' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>
    <interface type='bridge'><mac address='52:54:00:AA:BB:CC'/><source bridge='br0'/></interface>
    <interface type='direct'><source dev='eth0'/><model type='virtio'/></interface>
  </devices>
  <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
</domain>
`;

describe('reading a domain', () => {
  it('tells name, size, disks and cards, and where each disk lives', () => {
    expect(readDomainXml(theirs)).toEqual({
      kind: 'ok',
      domain: {
        uuid: 'aaaaaaaa-4455-4677-8899-aabbccddeeff',
        name: 'legacy & old',
        memoryMiB: 2048,
        vcpus: 4,
        permit: { vm: 'x', node: 'y', incarnation: 'z', token: 1 },
        disks: [
          {
            target: 'vda',
            device: 'disk',
            bus: 'virtio',
            format: 'qcow2',
            readOnly: false,
            location: 'local',
            source: { kind: 'local', path: '/var/lib/libvirt/images/a.qcow2' },
            text: '/var/lib/libvirt/images/a.qcow2',
          },
          {
            target: 'vdb',
            device: 'disk',
            bus: 'virtio',
            format: 'raw',
            readOnly: false,
            location: 'network',
            source: { kind: 'rbd', pool: 'vms', image: 'data/1' },
            text: 'rbd:vms/data/1',
          },
          {
            target: 'sda',
            device: 'disk',
            bus: 'scsi',
            format: 'raw',
            readOnly: false,
            location: 'network',
            source: {
              kind: 'iscsi',
              portal: '[fd00::9]:3260',
              target: 'iqn.2020-01.org.x:a',
              lun: 3,
            },
            text: 'iscsi:iqn.2020-01.org.x:a/3',
          },
          expect.objectContaining({ location: 'network', source: null, text: 'gluster:v/i' }),
          expect.objectContaining({ location: 'unknown', source: null, text: 'volume' }),
          expect.objectContaining({ location: 'empty', readOnly: true, device: 'cdrom' }),
        ],
        interfaces: [
          {
            mac: '52:54:00:aa:bb:cc',
            attach: { kind: 'bridge', bridge: 'br0' },
            model: 'rtl8139',
            type: 'bridge',
          },
          { mac: null, attach: null, model: 'virtio', type: 'direct' },
        ],
      },
    });
  });

  it('memory is rounded up to whole MiB in every unit, KiB without one', () => {
    const memory = (text: string): unknown => {
      const read = readDomainXml(`<domain><name>a</name><memory ${text}</memory></domain>`);
      return read.kind === 'ok' ? read.domain.memoryMiB : read.message;
    };
    expect(memory('>2048')).toBe(2);
    expect(memory('>2049')).toBe(3);
    expect(memory("unit='bytes'>1")).toBe(1);
    expect(memory("unit='MB'>1000")).toBe(954);
    expect(memory("unit='T'>1")).toBe(1_048_576);
    expect(memory("unit='elephants'>1")).toBe('domain has no readable memory size');
    expect(memory('>lots')).toBe('domain has no readable memory size');
  });

  it('V6: what is not a domain is refused with the reason', () => {
    const why = (xml: string): string => {
      const read = readDomainXml(xml);
      return read.kind === 'invalid' ? read.message : 'accepted';
    };
    expect(why('')).toBe('XML is empty');
    expect(why('<domain><name>a</domain>')).toMatch(/^XML is not well-formed/);
    expect(why('<domain>')).toMatch(/^XML is not well-formed/);
    expect(why('<a/><b/>')).toMatch(/^XML is not well-formed/);
    expect(why('<network/>')).toBe('root element is network, not domain');
    expect(why('<domain/>')).toBe('domain has no name');
    expect(why('<domain><name>a</name><memory>1</memory><vcpu>x</vcpu></domain>')).toBe(
      'domain has no readable vcpu count',
    );
    expect(why(`<domain>${' '.repeat(maxXmlBytes)}</domain>`)).toContain('over');
  });

  it('a document type is refused, so that entities cannot make it huge', () => {
    const bomb = `<!DOCTYPE d [<!ENTITY a "${'x'.repeat(1000)}">]><domain><name>&a;</name></domain>`;
    const read = readDomainXml(bomb);
    expect(read.kind).toBe('invalid');
  });
});

describe('putting our marks into a person’s XML', () => {
  const patch = { name: 'db <1>', vm: permit.vm, permit };

  it('sets name, UUID and permit, and keeps everything else', () => {
    const patched = patchDomainXml(theirs, patch);
    if (patched.kind === 'invalid') throw new Error(patched.message);
    for (const kept of [
      '<!-- made by hand; keep -->',
      '<libosinfo:os id="http://debian.org/debian/12"/>',
      '<permit xmlns="urn:other" token="9"/>',
      'xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0"',
      '<qemu:arg value="-foo"/>',
      '<backingStore type="file"><source file="/base.qcow2"/></backingStore>',
      '<memory unit="GiB">2</memory>',
    ]) {
      expect(patched.xml).toContain(kept);
    }
    expect(patched.xml).not.toContain('legacy');
    expect(patched.xml).not.toContain('token="1"');
    const read = readDomainXml(patched.xml);
    const before = readDomainXml(theirs);
    if (read.kind === 'invalid' || before.kind === 'invalid') throw new Error('unreadable');
    expect(read.domain).toEqual({ ...before.domain, name: 'db <1>', uuid: permit.vm, permit });
  });

  it('changes nothing when it is done twice', () => {
    const once = patchDomainXml(theirs, patch);
    if (once.kind === 'invalid') throw new Error(once.message);
    const twice = patchDomainXml(once.xml, patch);
    expect(twice.kind === 'ok' && twice.xml.replaceAll(/\s+/g, ' ')).toBe(
      once.xml.replaceAll(/\s+/g, ' '),
    );
  });

  it('makes what is missing, without touching what libvirt would make itself', () => {
    const patched = patchDomainXml('<domain type="kvm"><memory>2048</memory></domain>', patch);
    expect(patched).toEqual({
      kind: 'ok',
      xml:
        '<domain type="kvm"><name>db &lt;1&gt;</name>' +
        '<uuid>00112233-4455-4677-8899-aabbccddeeff</uuid><memory>2048</memory>' +
        '<metadata><kennel:permit vm="' +
        `${permit.vm}" node="node-1" incarnation="boot.1" token="7" ` +
        'xmlns:kennel="urn:kennel:permit:1"/></metadata></domain>',
    });
  });

  it('V6: XML that is not a domain is refused', () => {
    expect(patchDomainXml('<volume/>', patch).kind).toBe('invalid');
    expect(patchDomainXml('', patch).kind).toBe('invalid');
  });
});
