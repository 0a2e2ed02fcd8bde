import type { FenceOperation } from '../model/fence-operation.ts';
import type { FenceDevice, NodeRecord } from '../model/node.ts';
import { distrustedOf } from '../decide/fence-intent.ts';

/**
 * Whether a node can be proven off by its fence devices.
 *
 * - `ready`: every level is.
 * - `degraded`: some level is, another is not.
 * - `failing`: there are devices, and no level of which all work.
 * - `none`: there is no device.
 */
export type FenceGrade = 'ready' | 'degraded' | 'failing' | 'none';

/** A device that could not be relied on now, and why. */
export interface FailingDevice {
  readonly device: string;
  readonly because: string;
}

/** The devices of a node that failed their last check, or lied in an operation. */
export function failingDevices(
  node: NodeRecord,
  fences: Iterable<FenceOperation>,
): readonly FailingDevice[] {
  const liars = distrustedOf(node.id, fences);
  return node.fenceTopology
    .flatMap(({ devices }) => devices)
    .flatMap(({ id }): readonly FailingDevice[] => {
      if (liars.includes(id)) return [{ device: id, because: 'it said Off while the node lived' }];
      const error = node.fenceChecks?.[id]?.error ?? null;
      return error === null ? [] : [{ device: id, because: `${error.code}, ${error.detail}` }];
    });
}

export function fenceGrade(node: NodeRecord, fences: Iterable<FenceOperation>): FenceGrade {
  const levels = node.fenceTopology;
  if (levels.length === 0) return 'none';
  const failing = new Set(failingDevices(node, fences).map(({ device }) => device));
  const isWell = ({ id }: FenceDevice): boolean => !failing.has(id);
  const well = levels.filter(({ devices }) => devices.every(isWell)).length;
  if (well === levels.length) return 'ready';
  return well > 0 ? 'degraded' : 'failing';
}

/** Its VMs would be recovered without a person: some level can prove it off. */
export function isFenceable(node: NodeRecord, fences: Iterable<FenceOperation>): boolean {
  const grade = fenceGrade(node, fences);
  return grade === 'ready' || grade === 'degraded';
}
