import type { Cursor } from './cursor.ts';
import { diskFor, type MappedDisk, type SiteMaps } from './site-maps.ts';
import type { FileDisk } from './vm-file.ts';

export interface DiskContext {
  readonly vm: string;
  readonly namespace: string;
  /** What a pool puts behind the names of data volumes that it makes for each of its VMs. */
  readonly ownVolume: (name: string) => string;
  readonly maps: SiteMaps;
  readonly preference: Cursor;
}

/** A disk, and the field that says where its bytes are. */
export interface PlacedDisk {
  readonly disk: FileDisk;
  readonly from: Cursor;
}

interface Found extends PlacedDisk {
  readonly bootOrder: number | null;
}

const buses = ['virtio', 'sata', 'scsi'] as const;
const notTaken = 'its volume is not taken';

/**
 * Disks in the order in which they are booted from. A volume without an entry among the disks is a disk
 * too, as in KubeVirt; one that is lost takes its disk along.
 */
export function disksOf(spec: Cursor, context: DiskContext): readonly PlacedDisk[] {
  const volumes = spec.at('volumes').items();
  const shared = new Set(
    spec
      .at('domain', 'devices', 'filesystems')
      .items()
      .map((one) => one.at('name').value),
  );
  const entries = spec.at('domain', 'devices', 'disks').items();
  const found: Found[] = [];
  const joined = new Set<Cursor>();
  for (const entry of entries) {
    const nameAt = entry.at('name');
    const name = nameAt.text();
    const volume = volumes.find((one) => one.at('name').value === name);
    if (name === null || volume === undefined) {
      nameAt.refuse('has no volume of that name', { isFinal: true });
      continue;
    }
    joined.add(volume);
    const disk = diskOf(entry, volume, context);
    if (disk !== null) found.push(disk);
  }
  for (const volume of volumes) {
    if (joined.has(volume)) continue;
    if (shared.has(volume.at('name').value)) {
      volume.refuse('directories are not shared with a VM');
      continue;
    }
    volume.at('name').lose('note', 'no disk has this name, so the volume is one by itself');
    const disk = diskOf(null, volume, context);
    if (disk !== null) found.push(disk);
  }
  const last = Number.MAX_SAFE_INTEGER;
  return found.sort((a, b) => (a.bootOrder ?? last) - (b.bootOrder ?? last));
}

function diskOf(entry: Cursor | null, volume: Cursor, context: DiskContext): Found | null {
  if (volume.ledger?.isGivenUp(volume.path) === true) {
    volume.lose('weaker', 'the disk is given up by --lose');
    entry?.lose('weaker', 'the disk is given up by --lose');
    return null;
  }
  const place = sourceOf(volume, context);
  if (place === null) {
    entry?.lose('note', notTaken);
    return null;
  }
  const { format, readOnly = false, ...source } = place.disk;
  const device = deviceOf(entry, context);
  const isReadOnly = readOnly || place.isReadOnly || device.isReadOnly;
  return {
    disk: { ...source, format, bus: device.bus, ...(isReadOnly ? { readOnly: true } : {}) },
    from: place.from,
    bootOrder: entry?.at('bootOrder').count(1, 2 ** 31) ?? null,
  };
}

function deviceOf(
  entry: Cursor | null,
  { preference }: DiskContext,
): { readonly bus: FileDisk['bus']; readonly isReadOnly: boolean } {
  const diskBus = preference.at('devices', 'preferredDiskBus').oneOf(buses);
  const cdromBus = preference.at('devices', 'preferredCdromBus').oneOf(buses);
  const cdrom = entry?.at('cdrom');
  if (cdrom?.isGiven() === true) {
    const readonlyAt = cdrom.at('readonly');
    if (readonlyAt.flag() === false) readonlyAt.lose('note', 'a CD-ROM is read-only');
    return { bus: busOf(cdrom.at('bus'), cdromBus), isReadOnly: true };
  }
  const disk = entry?.at('disk');
  const isGiven = disk?.isGiven() ?? false;
  const isReadOnly = (isGiven ? disk?.at('readonly').flag() : null) ?? false;
  return { bus: busOf(disk?.at('bus') ?? null, diskBus), isReadOnly };
}

/** `sata` is what KubeVirt gives a disk of an x86 machine for which nothing is said. */
function busOf(at: Cursor | null, preferred: string | null): FileDisk['bus'] {
  const text = at?.text() ?? preferred ?? 'sata';
  const bus = buses.find((one) => one === text);
  if (bus !== undefined) return bus;
  at?.refuse(`is not one of ${buses.join(', ')}`);
  return 'sata';
}

interface Source {
  readonly disk: MappedDisk;
  readonly isReadOnly: boolean;
  readonly from: Cursor;
}

/** Where the bytes of a volume are. Null: it is lost or refused, by the ledger. */
function sourceOf(volume: Cursor, context: DiskContext): Source | null {
  const nameAt = volume.at('name');
  const name = nameAt.text() ?? '';
  const { vm, maps } = context;
  const mapped = maps.volume.get(`${vm}/${name}`) ?? maps.volume.get(name);
  if (mapped !== undefined) {
    for (const [key, field] of volume.entries()) {
      if (key === 'name') continue;
      field.lose('note', 'the disk of --volume-map takes its place');
    }
    return { disk: diskFor(vm, mapped), isReadOnly: false, from: nameAt };
  }
  const claim = volume.at('persistentVolumeClaim');
  if (claim.exists) {
    const isReadOnly = claim.at('readOnly').flag() ?? false;
    return byClaim(claim.at('claimName'), isReadOnly, context);
  }
  const data = volume.at('dataVolume');
  if (data.exists) return byClaim(data.at('name'), false, context);
  const container = volume.at('containerDisk');
  if (container.exists) return byImage(container.at('image'), context);
  const ephemeral = volume.at('ephemeral');
  if (ephemeral.exists) {
    return byImage(ephemeral.at('persistentVolumeClaim', 'claimName'), context);
  }
  const host = volume.at('hostDisk');
  if (host.exists) return byPath(host.at('path'));
  return null;
}

function byClaim(at: Cursor, isReadOnly: boolean, context: DiskContext): Source | null {
  const said = at.text();
  if (said === null) return missing(at);
  const claim = context.ownVolume(said);
  const { pvc } = context.maps;
  const disk = pvc.get(`${context.namespace}/${claim}`) ?? pvc.get(claim);
  if (disk !== undefined) return { disk: diskFor(context.vm, disk), isReadOnly, from: at };
  at.refuse('nobody has said where the bytes of this claim are', {
    try: `--pvc-map ${claim}=sharedFile:/PATH`,
  });
  return null;
}

function byImage(at: Cursor, context: DiskContext): Source | null {
  const image = at.text();
  if (image === null) return missing(at);
  const disk = context.maps.image.get(image);
  if (disk === undefined) {
    at.refuse('nobody has said where a disk with this image is', {
      try: `--image-map ${image}=sharedFile:/PATH/{vm}.qcow2,qcow2`,
    });
    return null;
  }
  at.lose('note', 'what the guest writes is kept, not thrown away at its next start');
  return { disk: diskFor(context.vm, disk), isReadOnly: false, from: at };
}

function byPath(at: Cursor): Source | null {
  const path = at.text();
  if (path === null) return missing(at);
  if (!path.startsWith('/')) at.refuse('is not an absolute path', { isFinal: true });
  at.lose(
    'weaker',
    'belongs to one node: name it in `nodes`; the VM cannot be restarted elsewhere',
  );
  return { disk: { local: path, format: 'raw' }, isReadOnly: false, from: at };
}

function missing(at: Cursor): null {
  at.refuse('is missing', { isFinal: true });
  return null;
}
