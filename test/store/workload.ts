import { operationId, revision, type OperationId } from '../../src/core/model/ids.ts';
import type { KeyValue, Store, Transaction, WriteOutcome } from '../../src/store/store.ts';

/** Keys with values, create and mod revisions, and operations: what a reader can see. */
export type Picture = ReadonlyMap<string, KeyValue>;

/**
 * A second, naive implementation of what transactions mean: the whole map is copied for each one.
 * `pictures[n]` is the state after the first `n` transactions.
 */
export function picturesOf(transactions: readonly Transaction[]): readonly Picture[] {
  const pictures: Picture[] = [new Map()];
  let at = 0;
  for (const transaction of transactions) {
    const before = pictures.at(-1) ?? new Map<string, KeyValue>();
    const holds = transaction.compare.every((compare) => {
      const item = before.get(compare.key);
      const actual = compare.target === 'mod' ? item?.modRevision : item?.createRevision;
      return (actual ?? 0) === compare.revision;
    });
    const after = new Map(before);
    for (const write of holds ? transaction.then : []) {
      const old = after.get(write.key);
      if (write.kind === 'delete') {
        after.delete(write.key);
        continue;
      }
      const earlier = (old?.operations ?? []).filter((id) => id !== transaction.operation);
      after.set(write.key, {
        key: write.key,
        value: write.value,
        createRevision: old?.createRevision ?? revision(at + 1),
        modRevision: revision(at + 1),
        operations: [...earlier, transaction.operation].slice(-8),
      });
    }
    const touched = transaction.then.map((write) => write.key);
    if (touched.some((key) => before.get(key) !== after.get(key))) at += 1;
    pictures.push(after);
  }
  return pictures;
}

export async function pictureOf(store: Store): Promise<Picture> {
  const { items } = await store.list('');
  return new Map(items.map((item) => [item.key, item]));
}

export function samePicture(one: Picture, other: Picture): boolean {
  return canonical(one) === canonical(other);
}

function canonical(picture: Picture): string {
  const items = [...picture.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return JSON.stringify(
    items.map(({ key, value, createRevision, modRevision, operations }) => {
      return [key, value, createRevision, modRevision, operations];
    }),
  );
}

export function putOperation(id: string, keys: readonly string[]): Transaction {
  const operation: OperationId = operationId(id);
  return {
    operation,
    compare: [],
    then: keys.map((key) => ({ kind: 'put', key, value: `${id} in ${key}` })),
  };
}

/**
 * Submits transactions in groups: the members of a group at once, a group after the answers to the
 * one before. Calls `onAnswer` with the position of each answered transaction, in whatever order.
 */
export async function submitGroups(
  store: Store,
  groups: readonly (readonly Transaction[])[],
  onAnswer: (position: number, outcome: WriteOutcome) => void,
): Promise<void> {
  let next = 0;
  for (const group of groups) {
    const first = next;
    next += group.length;
    await Promise.all(
      group.map(async (transaction, offset) => {
        onAnswer(first + offset, await store.txn(transaction));
      }),
    );
  }
}
