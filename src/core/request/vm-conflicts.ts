import type { Problem } from '../problem.ts';
import type { DiskSource, VmRecord, VmSpec } from '../model/vm.ts';
import type { VmId } from '../model/ids.ts';

/** One text per place where bytes live, so that two specs of one disk compare equal. */
export function diskKey(source: DiskSource): string {
  switch (source.kind) {
    case 'nbd':
      return `nbd://${source.host}:${source.port}/${source.export}`;
    case 'rbd':
      return `rbd:${source.pool}/${source.image}`;
    case 'iscsi':
      return `iscsi://${source.portal}/${source.target}/${source.lun}`;
    case 'sharedFile':
    case 'local':
      return `file:${source.path}`;
    default:
      return source satisfies never;
  }
}

/** Why this spec cannot live beside the VMs there are; null = it can (FAILURES V16). */
export function specConflict(id: VmId, spec: VmSpec, vms: Iterable<VmRecord>): Problem | null {
  const disks = new Set(
    spec.disks.filter((disk) => !disk.readOnly).map((one) => diskKey(one.source)),
  );
  const macs = new Set(spec.interfaces.map((one) => one.mac));
  if (macs.size < spec.interfaces.length)
    return taken('E_MAC_TAKEN', spec.name, 'itself', 'a MAC address twice');
  if (new Set(spec.disks.map((one) => diskKey(one.source))).size < spec.disks.length) {
    return taken('E_DISK_TAKEN', spec.name, 'itself', 'a disk twice');
  }
  for (const other of vms) {
    if (other.id === id) return taken('E_UUID_TAKEN', spec.name, other.spec.name, `UUID ${id}`);
    if (other.spec.name === spec.name)
      return taken('E_NAME_TAKEN', spec.name, other.id, 'the name');
    // What an edit waits for is taken as well.
    const specs = other.staged == null ? [other.spec] : [other.spec, other.staged];
    const mac = specs.flatMap(({ interfaces }) => interfaces).find((one) => macs.has(one.mac));
    if (mac !== undefined)
      return taken('E_MAC_TAKEN', spec.name, other.spec.name, `MAC ${mac.mac}`);
    const disk = specs
      .flatMap(({ disks: all }) => all)
      .find((one) => disks.has(diskKey(one.source)));
    if (disk !== undefined) {
      return taken('E_DISK_TAKEN', spec.name, other.spec.name, `disk ${diskKey(disk.source)}`);
    }
  }
  return null;
}

function taken(code: Problem['code'], name: string, other: string, what: string): Problem {
  return {
    code,
    what: `VM ${name} is refused`,
    because: `${other} has ${what} already`,
    so: 'nothing was created',
    try: ['change the spec', 'kennel vm ls -o wide'],
  };
}

/** A disk that only one node has cannot follow its VM; null = every disk can. */
export function localDiskProblem(spec: VmSpec): Problem | null {
  const local = spec.disks.find((disk) => disk.source.kind === 'local');
  if (local === undefined) return null;
  return {
    code: 'E_DISK_LOCAL',
    what: `VM ${spec.name} is refused`,
    because: `its disk ${diskKey(local.source)} exists on one node only`,
    so: 'Kennel could not restart it elsewhere; nothing was created',
    try: [
      'put the disk on shared storage (nbd, rbd, iscsi, or a shared file system as sharedFile)',
      'set desired: ignored, to have it listed but left alone',
    ],
  };
}
