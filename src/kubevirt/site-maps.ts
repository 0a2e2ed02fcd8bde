import { namePattern } from '../core/model/ids.ts';
import type { FileAttachment, FileDisk, FileDiskSource } from './vm-file.ts';

/** A disk of the site that takes the place of something in the cluster. `{vm}` in it is the VM's name. */
export type MappedDisk = FileDiskSource & Pick<FileDisk, 'format' | 'readOnly'>;

/** What only the site knows: where the cluster's disks, networks and nodes are now. */
export interface SiteMaps {
  /** By claim or data volume, `NAME` or `NAMESPACE/NAME`. */
  readonly pvc: ReadonlyMap<string, MappedDisk>;
  /** By image of a container disk, or claim that is copied at every start. */
  readonly image: ReadonlyMap<string, MappedDisk>;
  /** By `VM/VOLUME`, before all others. */
  readonly volume: ReadonlyMap<string, MappedDisk>;
  /** By name of a multus network, or `pod`. */
  readonly network: ReadonlyMap<string, FileAttachment>;
  /** By `LABEL=VALUE` of the cluster's nodes. */
  readonly node: ReadonlyMap<string, readonly string[]>;
  /** By priority class. */
  readonly priority: ReadonlyMap<string, 'high' | 'medium' | 'low'>;
}

export const noMaps: SiteMaps = {
  pvc: new Map(),
  image: new Map(),
  volume: new Map(),
  network: new Map(),
  node: new Map(),
  priority: new Map(),
};

export type Entry<T> =
  | { readonly kind: 'ok'; readonly name: string; readonly value: T }
  | { readonly kind: 'invalid'; readonly because: string };

const diskForms =
  'sharedFile:/PATH, local:/PATH, rbd:POOL/IMAGE, nbd://HOST:PORT/EXPORT or iscsi://PORTAL/TARGET/LUN, then perhaps ,qcow2 and ,readOnly';

/** `data=sharedFile:/srv/vms/data.qcow2,qcow2`. */
export function diskEntry(text: string): Entry<MappedDisk> {
  return entry(
    text,
    (value) => {
      const [place = '', ...words] = value.split(',');
      if (words.some((word) => !['raw', 'qcow2', 'readOnly'].includes(word))) return null;
      const source = sourceOf(place);
      if (source === null) return null;
      const isQcow2 = words.includes('qcow2');
      if (!isQcow2 && !words.includes('raw') && place.endsWith('.qcow2')) return null;
      return {
        ...source,
        format: isQcow2 ? 'qcow2' : 'raw',
        ...(words.includes('readOnly') ? { readOnly: true } : {}),
      };
    },
    `${diskForms}; a name that ends in .qcow2 needs ,qcow2 or ,raw`,
  );
}

/** `pod=network:default`, `prod/vlan7=bridge:br7`. */
export function networkEntry(text: string): Entry<FileAttachment> {
  return entry(
    text,
    (value) => {
      const match = /^(bridge|network):(.{1,255})$/.exec(value);
      if (match === null) return null;
      const [, kind, name = ''] = match;
      return kind === 'bridge' ? { bridge: name } : { network: name };
    },
    'bridge:NAME or network:NAME',
  );
}

/** `zone=east=node-1,node-2`: the last `=` parts. */
export function nodeEntry(text: string): Entry<readonly string[]> {
  const at = text.lastIndexOf('=');
  const names = text.slice(at + 1).split(',');
  const label = text.slice(0, Math.max(0, at));
  if (!label.includes('=') || !names.every((name) => namePattern.test(name))) {
    return { kind: 'invalid', because: `"${text}" is not LABEL=VALUE=NODE,NODE` };
  }
  return { kind: 'ok', name: label, value: names };
}

/** `critical=high`. */
export function priorityEntry(text: string): Entry<'high' | 'medium' | 'low'> {
  return entry(
    text,
    (value) => (value === 'high' || value === 'medium' || value === 'low' ? value : null),
    'high, medium or low',
  );
}

function entry<T>(text: string, read: (value: string) => T | null, wanted: string): Entry<T> {
  const at = text.indexOf('=');
  const value = at < 1 ? null : read(text.slice(at + 1));
  if (value === null) return { kind: 'invalid', because: `"${text}" is not NAME=${wanted}` };
  return { kind: 'ok', name: text.slice(0, at), value };
}

function sourceOf(place: string): FileDiskSource | null {
  const file = /^(sharedFile|local):(\/.+)$/.exec(place);
  if (file !== null) {
    const [, kind, path = ''] = file;
    return kind === 'local' ? { local: path } : { sharedFile: path };
  }
  const rbd = /^rbd:([^/]+)\/(.+)$/.exec(place);
  if (rbd !== null) return { rbd: { pool: rbd[1] ?? '', image: rbd[2] ?? '' } };
  const nbd = /^nbd:\/\/([^/]+):(\d{1,5})\/(.*)$/.exec(place);
  if (nbd !== null) {
    return { nbd: { host: nbd[1] ?? '', port: Number(nbd[2]), export: nbd[3] ?? '' } };
  }
  const iscsi = /^iscsi:\/\/([^/]+)\/(.+)\/(\d{1,4})$/.exec(place);
  if (iscsi === null) return null;
  return { iscsi: { portal: iscsi[1] ?? '', target: iscsi[2] ?? '', lun: Number(iscsi[3]) } };
}

/** The disk of one VM: `{vm}` becomes its name. */
export function diskFor(vm: string, disk: MappedDisk): MappedDisk {
  const named = (text: string): string => text.replaceAll('{vm}', vm);
  const { nbd, rbd, iscsi, sharedFile, local, ...rest } = disk;
  if (nbd !== undefined) return { nbd: { ...nbd, export: named(nbd.export) }, ...rest };
  if (rbd !== undefined) return { rbd: { ...rbd, image: named(rbd.image) }, ...rest };
  if (iscsi !== undefined) return { iscsi: { ...iscsi, target: named(iscsi.target) }, ...rest };
  if (sharedFile !== undefined) return { sharedFile: named(sharedFile), ...rest };
  return { local: named(local ?? ''), ...rest };
}
