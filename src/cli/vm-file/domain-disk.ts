import type { Element } from '@xmldom/xmldom';
import type { CreateVm } from '../../api/schema/requests.ts';
import { attribute, firstChild, lineOf } from './dom-read.ts';
import type { VmFileOptions } from './parse-vm-file.ts';
import type { Parsed } from './spec-problem.ts';

type Disk = CreateVm['spec']['disks'][number];
type Source = Disk['source'];

/** One `<disk>`. Null for a drive without a medium, which holds nothing to protect. */
export function readDisk(disk: Element, options: VmFileOptions): Parsed<Disk | null> {
  const source = firstChild(disk, 'source');
  const device = attribute(disk, 'device') ?? 'disk';
  if (source === null) {
    if (device === 'cdrom' || device === 'floppy') return { kind: 'ok', value: null };
    return invalid(disk, 'has no source');
  }
  const where = readSource(attribute(disk, 'type') ?? 'file', source, options);
  if (where === null) return invalid(disk, `${describe(disk, source)} is not supported yet`);
  const bus = attribute(firstChild(disk, 'target'), 'bus') ?? 'ide';
  if (!isBus(bus)) {
    return invalid(disk, `bus "${bus}" is not supported; use virtio, sata, scsi or ide`);
  }
  const format = attribute(firstChild(disk, 'driver'), 'type') ?? 'raw';
  if (!isFormat(format)) {
    return invalid(disk, `format "${format}" is not supported; use raw or qcow2`);
  }
  const readOnly = device === 'cdrom' || firstChild(disk, 'readonly') !== null;
  return { kind: 'ok', value: { source: where, format, bus, readOnly } };
}

function readSource(type: string, source: Element, options: VmFileOptions): Source | null {
  switch (type) {
    case 'file':
      return pathSource(attribute(source, 'file'), options);
    case 'block':
      return pathSource(attribute(source, 'dev'), options);
    case 'network':
      return networkSource(source);
    default:
      return null;
  }
}

/** Nobody can tell from a path whether every node has it, so it must have been said. */
function pathSource(path: string | null, options: VmFileOptions): Source | null {
  if (path === null) return null;
  const isShared = options.sharedPaths.some((prefix) => isUnder(path, prefix));
  return { kind: isShared ? 'sharedFile' : 'local', path };
}

/** `/srv/vms` covers `/srv/vms/a` and not `/srv/vms-old/a`, nor a path that climbs out of it. */
function isUnder(path: string, prefix: string): boolean {
  const directory = prefix.replace(/\/+$/, '');
  if (path.split('/').includes('..')) return false;
  return path === directory || path.startsWith(`${directory}/`);
}

function networkSource(source: Element): Source | null {
  const name = attribute(source, 'name') ?? '';
  const server = firstChild(source, 'host');
  const host = attribute(server, 'name');
  const port = attribute(server, 'port');
  switch (attribute(source, 'protocol')) {
    case 'nbd':
      if (host === null) return null;
      return { kind: 'nbd', host, port: Number(port ?? 10_809), export: name };
    case 'rbd': {
      const [pool = '', ...image] = name.split('/');
      return pool === '' || image.length === 0
        ? null
        : { kind: 'rbd', pool, image: image.join('/') };
    }
    case 'iscsi': {
      const [target = '', lun = '0'] = name.split('/');
      if (host === null || target === '' || !/^\d+$/.test(lun)) return null;
      return { kind: 'iscsi', portal: `${host}:${port ?? 3260}`, target, lun: Number(lun) };
    }
    default:
      return null;
  }
}

function describe(disk: Element, source: Element): string {
  const type = attribute(disk, 'type') ?? 'file';
  const protocol = attribute(source, 'protocol');
  return `a source of type "${type}"${protocol === null ? '' : ` (${protocol})`}`;
}

function isBus(text: string): text is Disk['bus'] {
  return ['virtio', 'sata', 'scsi', 'ide'].includes(text);
}

function isFormat(text: string): text is Disk['format'] {
  return text === 'raw' || text === 'qcow2';
}

function invalid(disk: Element, what: string): Parsed<never> {
  const name = attribute(firstChild(disk, 'target'), 'dev');
  const field = name === null ? 'disk' : `disk ${name}`;
  return { kind: 'invalid', problems: [{ line: lineOf(disk), field, what, suggestion: null }] };
}
