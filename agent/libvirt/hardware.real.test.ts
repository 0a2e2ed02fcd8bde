import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  missingForLibvirtd,
  PrivateLibvirtd,
  until,
} from '../../test/hypervisor/private-libvirtd.ts';
import { realTimeEnv } from '../../test/hypervisor/test-env.ts';
import { tinySpec } from '../../test/hypervisor/tiny-vm.ts';
import { defaultGuestPolicy } from '../../src/core/model/guest.ts';
import { plainHardware, type VmHardware } from '../../src/core/model/hardware.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import { domainXml } from './domain-xml.ts';
import { LibvirtHypervisor } from './libvirt-hypervisor.ts';
import { dialUnix } from './unix-transport.ts';

const missing = missingForLibvirtd();
const permit = {
  vm: vmId('00112233-4455-4677-8899-0000000000aa'),
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(1),
};

const kinds: Readonly<Record<string, Partial<VmHardware>>> = {
  'a named processor': {
    cpu: {
      model: { kind: 'named', name: 'Nehalem' },
      require: ['aes'],
      disable: ['vmx'],
      topology: { sockets: 1, cores: 1, threads: 1 },
    },
  },
  'the host’s processor': {
    cpu: { model: { kind: 'hostPassthrough' }, require: [], disable: [], topology: null },
  },
  'EFI with secure boot': {
    firmware: { kind: 'efi', secureBoot: true, variables: '/srv/nvram/a.fd' },
  },
  EFI: { firmware: { kind: 'efi', secureBoot: false, variables: null } },
  'huge pages and a time zone': {
    hugepageKiB: 1_048_576,
    clock: { kind: 'timezone', name: 'Europe/Berlin' },
  },
  'a TPM, a device, a watchdog and a screen': {
    tpm: true,
    hostDevices: ['0000:03:00.0'],
    watchdog: { model: 'ib700', action: 'injectNmi' },
    graphics: 'vnc',
  },
};

describe.skipIf(missing !== null)(`hardware on libvirt ${missing ?? ''}`, () => {
  let daemon: PrivateLibvirtd;
  let hypervisor: LibvirtHypervisor;

  beforeAll(async () => {
    daemon = await PrivateLibvirtd.start();
    hypervisor = new LibvirtHypervisor({ env: realTimeEnv(), dial: dialUnix(daemon.socket) });
    hypervisor.open();
    await until('it is connected', 20_000, () => hypervisor.connected());
  });
  afterAll(async () => {
    await hypervisor.close();
    await daemon.stop();
  });

  it.each(Object.entries(kinds))('%s is XML of libvirt’s own schema', (_, more) => {
    const hardware = { ...plainHardware, ...more };
    const written = domainXml(tinySpec('a'), { machine: 'q35', emulated: false, hardware }, permit);
    const input = written.kind === 'ok' ? written.xml : written.message;
    const result = spawnSync('virt-xml-validate', ['-', 'domain'], { input, encoding: 'utf8' });
    expect(`${result.stdout}${result.stderr}`).toContain('validates');
  });

  it.each(['restart', 'dump', 'preserve', 'stayOff'] as const)(
    'V2: what is done at a panic (%s) is XML of libvirt’s own schema',
    (onCrash) => {
      const spec = { ...tinySpec('a'), guest: { ...defaultGuestPolicy, onCrash } };
      const written = domainXml(spec, { machine: 'q35', emulated: false }, permit);
      const input = written.kind === 'ok' ? written.xml : written.message;
      const result = spawnSync('virt-xml-validate', ['-', 'domain'], { input, encoding: 'utf8' });
      expect(`${result.stdout}${result.stderr}`).toContain('validates');
    },
  );

  it('a guest starts with its processor, watchdog, screen and overlay', async () => {
    const hardware: VmHardware = {
      ...plainHardware,
      cpu: {
        model: { kind: 'named', name: 'Nehalem' },
        require: [],
        disable: [],
        topology: { sockets: 1, cores: 1, threads: 1 },
      },
      watchdog: { model: 'i6300esb', action: 'pause' },
      graphics: 'vnc',
      overlay:
        "<domain><os><bootmenu enable='yes'/></os><devices><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>",
    };
    const definition = { kind: 'typed', machine: 'pc', emulated: true, hardware } as const;
    const spec = { ...tinySpec('a'), memoryMiB: 32, definition };
    expect(await hypervisor.start(spec, permit)).toEqual({ kind: 'ok', value: undefined });
    const live = await daemon.virsh('dumpxml', permit.vm);
    expect(live).toContain("<model fallback='forbid'>Nehalem</model>");
    expect(live).toContain("<watchdog model='i6300esb' action='pause'>");
    expect(live).toMatch(/<graphics type='vnc' port='59\d\d' autoport='yes' listen='127.0.0.1'>/);
    expect(live).toContain("<bootmenu enable='yes'/>");
    expect(live).toContain("<backend model='random'>/dev/urandom</backend>");
    expect((await hypervisor.destroy(permit.vm)).kind).toBe('ok');
  });
});
