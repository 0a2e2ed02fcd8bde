import type { JsonValue } from '../../env/network.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import type { DiskHealth } from '../store.ts';

/** What a member says of its own disk. */
export function diskHealthOf({ times, writeErrors, totalBytes }: SegmentedLog): DiskHealth {
  return {
    lastSyncMs: times.lastMs(),
    slowestSyncMs: times.slowestMs(),
    writeErrors,
    logBytes: totalBytes,
  };
}

/** What a member says of its disk; null for what is no such thing. */
export function readDiskHealth(value: JsonValue | undefined): DiskHealth | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  const { lastSyncMs, slowestSyncMs, writeErrors, logBytes } = value as Fields;
  if (!isAmount(lastSyncMs) || !isAmount(slowestSyncMs)) return null;
  if (!isCount(writeErrors) || !isCount(logBytes)) return null;
  return { lastSyncMs, slowestSyncMs, writeErrors, logBytes };
}

type Fields = Readonly<Record<string, JsonValue | undefined>>;

function isAmount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCount(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
