import { describe, expect, it } from 'vitest';
import { readDomainSpec } from './domain-spec.ts';

const domain = (devices: string): string =>
  `<domain><name>a</name><memory unit='MiB'>64</memory><vcpu>2</vcpu><devices>${devices}</devices></domain>`;

describe('the spec of an adopted domain', () => {
  it('has its size, disks and cards, and the XML as its definition', () => {
    const xml = domain(`
      <disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>
      <disk type='block'><source dev='/dev/vg/a'/><target dev='vda' bus='virtio'/></disk>
      <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/>
        <model type='virtio'/></interface>`);
    expect(readDomainSpec(xml)).toEqual({
      kind: 'ok',
      value: {
        name: 'a',
        vcpus: 2,
        memoryMiB: 64,
        disks: [
          {
            source: { kind: 'local', path: '/dev/vg/a' },
            format: 'raw',
            bus: 'virtio',
            readOnly: false,
          },
        ],
        interfaces: [
          {
            mac: '52:54:00:00:00:01',
            attach: { kind: 'network', network: 'lan' },
            model: 'virtio',
          },
        ],
        priority: 'medium',
        definition: { kind: 'xml', xml },
        consoleLog: null,
        separateFrom: [],
        nodes: [],
        limits: { restarts: 2, relocations: 2 },
      },
    });
  });

  it('V6: everything that the model has no word for is named', () => {
    const xml = domain(`
      <disk type='network'><source protocol='gluster' name='v/i'/><target dev='vda' bus='virtio'/></disk>
      <disk type='file'><source file='/a'/><driver type='vmdk'/><target dev='vdb' bus='virtio'/></disk>
      <disk type='file'><source file='/b'/><target dev='sda' bus='usb'/></disk>
      <interface type='direct'><mac address='52:54:00:00:00:01'/></interface>
      <interface type='user'/>`);
    const read = readDomainSpec(xml);
    expect(read.kind === 'problem' && read.problem).toMatchObject({ code: 'E_SPEC_INVALID' });
    expect(read.kind === 'problem' && read.problem.because.split('; ')).toHaveLength(5);
    expect(readDomainSpec('<x/>')).toMatchObject({ problem: { code: 'E_SPEC_INVALID' } });
  });
});
