import type { DiskSource, VmDisk } from '../../src/core/model/vm.ts';
import type { XmlElement } from './xml-writer.ts';
import { element } from './xml-writer.ts';

const defaultIscsiPort = 3260;

const namePrefix: Readonly<Record<VmDisk['bus'], string>> = {
  virtio: 'vd',
  sata: 'sd',
  scsi: 'sd',
  ide: 'hd',
};

/** 0 to `a`, 25 to `z`, 26 to `aa`. */
function letters(index: number): string {
  const last = String.fromCodePoint(97 + (index % 26));
  return index < 26 ? last : `${letters(Math.floor(index / 26) - 1)}${last}`;
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`. */
function splitPortal(portal: string): { readonly name: string; readonly port: number } {
  const match = /^\[?(?<name>[^\]]*?)\]?(?::(?<port>\d+))?$/.exec(portal);
  const plainV6 = !portal.startsWith('[') && portal.split(':').length > 2;
  if (match?.groups === undefined || plainV6) return { name: portal, port: defaultIscsiPort };
  const { name = portal, port } = match.groups;
  return { name, port: port === undefined ? defaultIscsiPort : Number(port) };
}

/** The source and the disk type that goes with it. */
function sourceElement(source: DiskSource): { readonly type: string; readonly xml: XmlElement } {
  switch (source.kind) {
    case 'nbd': {
      const host = element('host', { name: source.host, port: source.port });
      const xml = element('source', { protocol: 'nbd', name: source.export }, host);
      return { type: 'network', xml };
    }
    case 'rbd': {
      const name = `${source.pool}/${source.image}`;
      return { type: 'network', xml: element('source', { protocol: 'rbd', name }) };
    }
    case 'iscsi': {
      const name = `${source.target}/${source.lun}`;
      const host = element('host', { ...splitPortal(source.portal) });
      return { type: 'network', xml: element('source', { protocol: 'iscsi', name }, host) };
    }
    case 'sharedFile':
    case 'local':
      return source.path.startsWith('/dev/')
        ? { type: 'block', xml: element('source', { dev: source.path }) }
        : { type: 'file', xml: element('source', { file: source.path }) };
    default:
      return source satisfies never;
  }
}

function diskElement(disk: VmDisk, name: string): XmlElement {
  const { type, xml } = sourceElement(disk.source);
  // QEMU has no read-only IDE or SATA disk: there, read-only means a CD-ROM.
  const cdrom = disk.readOnly && (disk.bus === 'ide' || disk.bus === 'sata');
  return element(
    'disk',
    { type, device: cdrom ? 'cdrom' : 'disk' },
    element('driver', {
      name: 'qemu',
      type: disk.format,
      // The host's page cache must not hold writes that a recovery elsewhere would miss.
      cache: 'none',
      // An I/O error stops the VM instead of reaching the guest's file system.
      error_policy: 'stop',
    }),
    xml,
    element('target', { dev: name, bus: disk.bus }),
    ...(disk.readOnly ? [element('readonly')] : []),
  );
}

/** Disks in order; each bus counts its own device names, SCSI and SATA together. */
export function diskElements(disks: readonly VmDisk[]): readonly XmlElement[] {
  const counts = new Map<string, number>();
  return disks.map((disk) => {
    const prefix = namePrefix[disk.bus];
    const index = counts.get(prefix) ?? 0;
    counts.set(prefix, index + 1);
    return diskElement(disk, `${prefix}${letters(index)}`);
  });
}
