import { storeDirectory } from '../sim/raft-sim-store.ts';
import type { SimDisk } from '../sim/disk.ts';
import type { Recorder } from './recorder.ts';
import type { Fault } from './scenario.ts';
import { machineOf, serviceOf, type Stage, type StageHost } from './stage.ts';

type DiskFault = Extract<Fault, { readonly kind: 'disk' }>;

/** What a slow disk takes for each write and each sync, ms: longer than a store waits for it. */
const slowMs = 1500;
/** By so much a full disk is overfull: old segments that go make no room, the reserve still does. */
const overfullBytes = 24 << 10;
/** Files smaller than this have little in them but their end, where rot looks like a torn write. */
const rotFromBytes = 4096;

/** Lets a host's disk fail in one way; null when there is nothing there to fail. */
export function troubleDisk(
  stage: Stage,
  recorder: Recorder,
  fault: DiskFault,
): (() => void) | null {
  const host = stage.host(fault.host);
  if (host === null) return null;
  const { disk } = host.kind === 'node' ? host.node : host.manager;
  if (disk.paths().length === 0) return null;
  switch (fault.how) {
    case 'writes':
      disk.inject({ operation: 'write', code: 'EIO', times: 3 });
      return () => disk.clearFaults();
    case 'syncs':
      disk.inject({ operation: 'datasync', code: 'EIO', times: 1 });
      return () => disk.clearFaults();
    case 'full':
      disk.setCapacity(Math.max(0, disk.usedBytes - overfullBytes));
      return () => disk.clearFaults();
    case 'slow':
      disk.slowBy(slowMs);
      return () => disk.clearFaults();
    case 'rot':
      if (host.kind === 'node') recorder.rotted(host.name);
      return rot(stage, host, disk);
    default:
      return fault.how satisfies never;
  }
}

/**
 * Turns one bit and has the service read its files again. Within the last record of a log that
 * cannot be told from a write that was torn, so there the bit is turned well before the end. What
 * ends it is a person who puts the file back from a copy.
 */
function rot(stage: Stage, host: StageHost, disk: SimDisk): (() => void) | null {
  const isLog = host.kind === 'manager';
  const paths = disk.paths().filter((path) => !isLog || path.startsWith(`${storeDirectory}/`));
  const sized = paths.map((path) => ({ path, size: disk.content(path).length }));
  const large = sized.filter(({ size }) => size >= (isLog ? rotFromBytes : 1));
  if (large.length === 0) return null;
  const random = stage.cluster.world.random.split(`rot ${stage.cluster.world.time.nowMs}`);
  const { path, size } = random.pick(large);
  const offset = random.below(isLog ? Math.floor(size / 2) : size);
  const mask = 1 << random.below(8);
  disk.flip(path, offset, mask);
  machineOf(host).crash(serviceOf(host));
  return () => {
    if (!isLog || !disk.paths().includes(path)) return;
    disk.flip(path, offset, mask);
    machineOf(host).restart(serviceOf(host));
  };
}
