import { createHash } from 'node:crypto';
import type { Revision } from '../../core/model/ids.ts';
import { epochBaseIn, epochBaseKey, epochOf, leaderKey } from '../leadership-key.ts';
import type { Store } from '../store.ts';

/** Set in a store that is being filled, so that nobody takes half of a content for all of it. */
export const fillingKey = 'filling';

/** Set in a store whose content was moved to another one, with where to: nobody leads on it any more. */
export const movedKey = 'moved';

/** What a store holds, without what belongs to the store itself: who leads, and its revisions. */
export interface StoreContent {
  /** Key and value, sorted by the UTF-16 code units of the key. */
  readonly items: readonly (readonly [key: string, value: string])[];
  /** No leadership of this store has had a higher epoch. */
  readonly epoch: number;
}

/** All of it as it was at one revision. Rejects with `StoreUnavailable`. */
export async function readContent(store: Pick<Store, 'list'>): Promise<StoreContent> {
  const { items, revision } = await store.list('');
  return contentOf(items, revision);
}

export function contentOf(
  items: readonly { readonly key: string; readonly value: string }[],
  revision: Revision,
): StoreContent {
  const base = items.find(({ key }) => key === epochBaseKey)?.value ?? null;
  return {
    items: items
      .filter(({ key }) => !isOfStore(key))
      .map(({ key, value }) => [key, value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    epoch: epochOf(revision, epochBaseIn(base)),
  };
}

function isOfStore(key: string): boolean {
  return (
    key === leaderKey ||
    key === epochBaseKey ||
    key === fillingKey ||
    key === movedKey ||
    key.startsWith(`${leaderKey}/`)
  );
}

/** SHA-256 over keys and values, the same whichever driver holds them; hexadecimal. */
export function contentHash({ items }: Pick<StoreContent, 'items'>): string {
  const hash = createHash('sha256');
  for (const item of items) hash.update(`${JSON.stringify(item)}\n`);
  return hash.digest('hex');
}
