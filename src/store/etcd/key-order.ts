/** Sorted by UTF-16 code units, as every driver does; etcd's own order is that of bytes. */
export function inKeyOrder<Item extends { readonly key: string }>(
  items: readonly Item[],
): readonly Item[] {
  return [...items].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
