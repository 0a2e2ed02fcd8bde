import type { FenceOperation } from '../model/fence-operation.ts';
import type { DeviceDrill, FenceDevice, NodeRecord } from '../model/node.ts';
import type { PowerReading } from '../model/proof.ts';
import type { FenceObservation } from '../observations.ts';
import type { Draft } from './draft.ts';

/** A device is waited for this many times as long as it was seen to need. */
const safetyFactor = 2;

/**
 * The node with what a drill showed of its devices: how long after a device first read Off the node
 * could still be heard. A settle time that is shorter than twice that is raised; one sample is no
 * reason to lower any.
 */
export function withDrill(
  draft: Draft,
  node: NodeRecord,
  fence: FenceOperation,
  execution: FenceObservation | undefined,
): NodeRecord {
  const { requestedBy } = fence;
  if (requestedBy.kind !== 'person' || requestedBy.isDrill !== true) return node;
  const heardMs = draft.observations.nodes.get(node.id)?.lastHeartbeatMs ?? null;
  if (execution === undefined || heardMs === null) return node;
  // It may have lived until just before the heartbeat that did not come.
  const silentMs = heardMs + draft.state.settings.timing.heartbeatMs;
  const drills: Record<string, DeviceDrill> = {};
  for (const device of node.fenceTopology.flatMap(({ devices }) => devices)) {
    const offMs = firstOffMs(device, execution.readings);
    if (offMs === null) continue;
    const silenceMs = Math.max(0, Math.round(silentMs - offMs));
    drills[device.id] = { at: draft.observations.nowWall, silenceMs };
  }
  for (const [device, { silenceMs }] of Object.entries(drills)) {
    draft.event({
      code: 'FENCE_DRILLED',
      severity: 'info',
      node: node.id,
      vm: null,
      text: `${device} read Off, and ${node.id} was silent ${silenceMs} ms later at the latest (${fence.id})`,
    });
  }
  const settled = (device: FenceDevice): FenceDevice => {
    const learnedMs = (drills[device.id]?.silenceMs ?? 0) * safetyFactor;
    return learnedMs > device.settleMs ? { ...device, settleMs: learnedMs } : device;
  };
  return {
    ...node,
    fenceTopology: node.fenceTopology.map((level) => ({
      ...level,
      devices: level.devices.map(settled),
    })),
    fenceDrills: { ...node.fenceDrills, ...drills },
  };
}

/** When the device's present run of Off readings began; null = it does not read Off. */
function firstOffMs(device: FenceDevice, readings: readonly PowerReading[]): number | null {
  const own = readings.filter((reading) => reading.device === device.id);
  const lastOther = own.findLastIndex(({ power }) => power !== 'off');
  return own[lastOther + 1]?.atMs ?? null;
}
