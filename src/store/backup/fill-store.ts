import { operationId } from '../../core/model/ids.ts';
import type { Random } from '../../env/env.ts';
import { epochBaseKey } from '../leadership-key.ts';
import { StoreUnavailable, type Store, type Write } from '../store.ts';
import { fillingKey, type StoreContent } from './content.ts';

/** Far below what a driver takes at once. In keys, and in UTF-16 units. */
const most = { keys: 100, characters: 256 * 1024 };

/**
 * Puts a content into an empty store, with an epoch base that lies above all its epochs. May be done
 * over after an interruption: what an earlier try left is marked as such, and replaced. Null when it
 * is there; otherwise why the store is not empty. Rejects with `StoreUnavailable`.
 */
export async function fillStore(
  store: Store,
  random: Random,
  content: StoreContent,
): Promise<string | null> {
  const { items } = await store.list('');
  const isUnfinished = items.some(({ key }) => key === fillingKey);
  if (!isUnfinished && items.length > 0) {
    return `it holds ${items.length} keys already, ${items[0]?.key ?? ''} among them`;
  }
  const write = async (then: readonly Write[]): Promise<void> => {
    const operation = operationId(`fill/${random.uuid()}`);
    const outcome = await store.txn({ operation, compare: [], then });
    if (outcome.kind === 'committed') return;
    throw new StoreUnavailable(outcome.detail === '' ? 'a write was refused' : outcome.detail);
  };
  await write([{ kind: 'put', key: fillingKey, value: 'a restore or a migration writes here' }]);
  const stale = items.filter(({ key }) => key !== fillingKey);
  for (const part of parts(stale.map(({ key }): Write => ({ kind: 'delete', key })))) {
    await write(part);
  }
  const puts = content.items.map(([key, value]): Write => ({ kind: 'put', key, value }));
  for (const part of parts(puts)) await write(part);
  // The last step makes it a store: until then no manager opens it.
  await write([
    { kind: 'put', key: epochBaseKey, value: String(content.epoch) },
    { kind: 'delete', key: fillingKey },
  ]);
  return null;
}

function* parts(writes: readonly Write[]): Generator<readonly Write[]> {
  let part: Write[] = [];
  let characters = 0;
  for (const write of writes) {
    const size = write.key.length + (write.kind === 'put' ? write.value.length : 0);
    if (part.length === most.keys || (part.length > 0 && characters + size > most.characters)) {
      yield part;
      part = [];
      characters = 0;
    }
    part.push(write);
    characters += size;
  }
  if (part.length > 0) yield part;
}
