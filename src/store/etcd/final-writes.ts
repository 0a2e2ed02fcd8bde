import type { Write } from '../store.ts';

export type FinalWrite =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly value: string;
      /** Deleted earlier in the transaction, so the key begins anew. */
      readonly isNew: boolean;
    }
  | { readonly kind: 'delete'; readonly key: string };

/** What a transaction comes to for each key. etcd takes one write per key. */
export function finalWrites(writes: readonly Write[]): ReadonlyMap<string, FinalWrite> {
  const final = new Map<string, FinalWrite>();
  for (const write of writes) {
    if (write.kind === 'delete') {
      final.set(write.key, write);
      continue;
    }
    const earlier = final.get(write.key);
    const isNew = earlier?.kind === 'delete' || (earlier?.kind === 'put' && earlier.isNew);
    final.set(write.key, { ...write, isNew });
  }
  return final;
}
