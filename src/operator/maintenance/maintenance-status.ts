import type {
  NodeMaintenanceSpec,
  NodeMaintenanceStatus,
} from '../../api/schema/kubernetes/node-maintenance.ts';
import type { MaintenanceView } from '../../api/schema/maintenance.ts';
import { conditionsOf } from '../conditions.ts';
import type { KubeObject } from '../kube/kube-api.ts';
import type { Sync } from '../pushed.ts';

const longestError = 4096;

/** What a NodeMaintenance shows of the hypervisor that it empties; `view` null = nothing is said of it. */
export function maintenanceStatus(
  object: KubeObject,
  view: MaintenanceView | null,
  sync: Sync,
  nowIso: string,
): NodeMaintenanceStatus {
  const { generation } = object.metadata;
  const before = (object.status ?? {}) as NodeMaintenanceStatus;
  const isUnder = view?.evacuation?.kind === 'maintenance';
  return {
    ...(isUnder ? progressOf(view) : notUnder(sync)),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: conditionsOf([{ type: 'Synced', ...sync }], before.conditions ?? [], {
      generation,
      nowIso,
    }),
  };
}

function progressOf({ state, steps, returning }: MaintenanceView): NodeMaintenanceStatus {
  const all = steps.length + returning.length;
  const stays = steps.filter((step) => step.state === 'stays');
  return {
    phase: state === 'empty' ? 'Succeeded' : 'Running',
    drainProgress: all === 0 ? 100 : Math.floor((100 * returning.length) / all),
    pendingVms: steps.map(({ name }) => name),
    ...(stays.length === 0
      ? {}
      : {
          lastError: stays
            .map(({ name, because }) => `${name}: ${because}`)
            .join('; ')
            .slice(0, longestError),
        }),
  };
}

function notUnder({ status, message }: Sync): NodeMaintenanceStatus {
  if (status === 'Unknown') return {};
  return { phase: 'Failed', lastError: message.slice(0, longestError) };
}

const units = { h: 3_600_000, m: 60_000, s: 1000 } as const;

/** `1h30m` in milliseconds. The form was checked. */
export function evictionTimeoutMs({ evictionTimeout }: NodeMaintenanceSpec): number | null {
  if (evictionTimeout === undefined) return null;
  let sumMs = 0;
  for (const [, count, unit] of evictionTimeout.matchAll(/([0-9]+)([hms])/g)) {
    sumMs += Number(count) * units[unit as keyof typeof units];
  }
  return sumMs;
}
