import { restored } from '../core/request/restore.ts';
import type { StoreContent } from '../store/backup/content.ts';
import { decodeObject, encodeObject } from './object-codec.ts';

/** More than any store has leaderships and writes between a backup and its restore. */
const epochsSkipped = 1_000_000_000;

/** Everything else is no object that a restore changes: secrets are sealed, events are history. */
const changes = /^(vm\/|node\/|fence\/|counters$)/;

/**
 * What a restored store begins with (FAILURES M7). `isAlone`: the managers of the backup are forgotten,
 * because the store of managers begins anew with one member, which records itself.
 */
export function restoredContent(
  { items, epoch }: StoreContent,
  how: { readonly nowIso: string; readonly isAlone: boolean },
): StoreContent {
  const kept = how.isAlone ? items.filter(([key]) => !key.startsWith('manager/')) : items;
  return {
    epoch: epoch + epochsSkipped,
    items: kept.map(([key, value]) => {
      const object = changes.test(key) ? decodeObject(value) : null;
      if (object === null) return [key, value] as const;
      return [key, encodeObject(restored(object, how.nowIso))] as const;
    }),
  };
}
