import { describe, expect, it } from 'vitest';
import { plainHardware, type VmHardware } from '../../src/core/model/hardware.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import { tinySpec } from '../../test/hypervisor/tiny-vm.ts';
import { domainXml } from './domain-xml.ts';

const permit = {
  vm: vmId('00112233-4455-4677-8899-aabbccddeeff'),
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(7),
};

const xmlOf = (changed: Partial<VmHardware>, emulated = false): string => {
  const hardware = { ...plainHardware, ...changed };
  const written = domainXml(tinySpec('a'), { machine: 'q35', emulated, hardware }, permit);
  if (written.kind === 'invalid') throw new Error(written.message);
  return written.xml;
};

const cpu = { model: { kind: 'hostModel' }, require: [], disable: [], topology: null } as const;

describe('domain XML of a machine with more than the plain one', () => {
  it('a plain one is what is made when nothing is said', () => {
    const plain = domainXml(tinySpec('a'), { machine: 'q35', emulated: false }, permit);
    expect(xmlOf({})).toEqual(plain.kind === 'ok' ? plain.xml : null);
  });

  it('a named processor is exactly that one, with its shape and features', () => {
    const xml = xmlOf({
      cpu: {
        model: { kind: 'named', name: 'Nehalem' },
        require: ['aes'],
        disable: ['vmx'],
        topology: { sockets: 1, cores: 2, threads: 2 },
      },
    });
    expect(xml).toContain(`  <cpu mode="custom" match="exact" check="full">
    <model fallback="forbid">Nehalem</model>
    <topology sockets="1" cores="2" threads="2"/>
    <feature policy="require" name="aes"/>
    <feature policy="disable" name="vmx"/>
  </cpu>`);
  });

  it('emulation has no host processor: it gives all that it can', () => {
    expect(xmlOf({ cpu }, true)).toContain('<cpu mode="maximum"/>');
    expect(xmlOf({ cpu: { ...cpu, model: { kind: 'hostPassthrough' } } }, true)).toContain(
      '<cpu mode="maximum"/>',
    );
    expect(xmlOf({ cpu: { ...cpu, model: { kind: 'hostPassthrough' } } })).toContain(
      '<cpu mode="host-passthrough" check="none"/>',
    );
  });

  it('firmware is chosen by what it can do, and secure boot brings what it needs', () => {
    const efi = { kind: 'efi', secureBoot: true, variables: '/srv/a.fd' } as const;
    const xml = xmlOf({ firmware: efi });
    expect(xml).toContain('<os firmware="efi">');
    expect(xml).toContain('<feature enabled="yes" name="secure-boot"/>');
    expect(xml).toContain('<nvram>/srv/a.fd</nvram>');
    expect(xml).toContain('<smm state="on"/>');
    const open = xmlOf({ firmware: { ...efi, secureBoot: false, variables: null } });
    expect(open).toContain('<feature enabled="no" name="secure-boot"/>');
    expect(open).not.toMatch(/<smm|<nvram/);
  });

  it('memory, clock and devices are as they were asked for', () => {
    const xml = xmlOf({
      hugepageKiB: 2048,
      clock: { kind: 'timezone', name: 'Europe/Berlin' },
      watchdog: { model: 'i6300esb', action: 'injectNmi' },
      tpm: true,
      hostDevices: ['0000:03:1f.7'],
      graphics: 'vnc',
    });
    expect(xml).toContain('<page size="2048" unit="KiB"/>');
    expect(xml).toContain('<clock offset="timezone" timezone="Europe/Berlin"/>');
    expect(xml).toContain('<watchdog model="i6300esb" action="inject-nmi"/>');
    expect(xml).toContain('<backend type="emulator" version="2.0"/>');
    expect(xml).toContain('<address domain="0x0000" bus="0x03" slot="0x1f" function="0x7"/>');
  });

  it('the screen is shown on the node’s loopback only', () => {
    expect(xmlOf({ graphics: 'vnc' })).toContain('<listen type="address" address="127.0.0.1"/>');
  });
});

describe('the overlay', () => {
  const over = (inner: string): string => xmlOf({ overlay: `<domain>${inner}</domain>` });

  it('adds devices, and keeps those that there are', () => {
    const xml = over("<devices><sound model='ich9'/></devices>");
    expect(xml).toContain('<sound model="ich9"/>');
    expect(xml).toContain('<panic model="isa"/>');
  });

  it('puts its elements in place of those of the same name, and its attributes to those', () => {
    const xml = over(
      "<os><type arch='x86_64' machine='pc'>hvm</type><bootmenu enable='yes'/></os>",
    );
    expect(xml).toContain('<bootmenu enable="yes"/>');
    expect(xml.match(/<type /g)).toHaveLength(1);
    expect(xml).toContain('machine="pc"');
    expect(over("<clock offset='localtime'/>")).toContain('<clock offset="localtime"/>');
  });

  it('brings namespaces of its own along', () => {
    const xml = over(
      "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-S'/></qemu:commandline>",
    );
    expect(xml).toContain('http://libvirt.org/schemas/domain/qemu/1.0');
    expect(xml).toContain('<qemu:arg value="-S"/>');
  });

  it('keeps the permit, and is refused when it is no domain', () => {
    expect(over('<title>x</title>')).toContain('token="7"');
    const hardware = { ...plainHardware, overlay: '<network/>' };
    expect(domainXml(tinySpec('a'), { machine: null, emulated: true, hardware }, permit)).toEqual({
      kind: 'invalid',
      message: 'overlay: root element is network, not domain',
    });
  });
});
