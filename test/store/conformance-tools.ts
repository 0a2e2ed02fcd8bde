import { operationId, revision, type Revision } from '../../src/core/model/ids.ts';
import type {
  Compare,
  Leadership,
  Store,
  WatchEvent,
  Write,
  WriteOutcome,
} from '../../src/store/store.ts';

export interface StoreHarness {
  /** A client of its own, or the one store where the driver has only one. */
  connect(name: string): Promise<Store>;
  /** How many revisions a watch can look back at most. */
  readonly historyLimit: number;
  /** Forgets the history so far, where a driver does not do so by itself beyond the limit. */
  readonly forgetHistory?: () => Promise<void>;
  /**
   * Makes the client's next write ambiguous. `after` returns a store on which its effect can be
   * read: the same one, or one that was opened again.
   */
  ambiguousNextWrite(
    client: string,
    effect: 'evaluated' | 'lost',
  ): Promise<{ readonly after: () => Promise<Store> }>;
  /** Ends all clients without notice and starts again from what is durable; null: cannot. */
  readonly restart: (() => Promise<void>) | null;
  /** Takes the leadership away from outside; null: only the holder can end it. */
  readonly expire: ((candidate: string) => Promise<void>) | null;
  stop(): Promise<void>;
}

/** What a part of the suite works on; made anew for each test. */
export type Subject = () => { readonly harness: StoreHarness; readonly store: Store };

let operations = 0;
export const nextOperation = () => operationId(`op-${(operations += 1)}`);

export const put = (key: string, value: string): Write => ({ kind: 'put', key, value });
export const remove = (key: string): Write => ({ kind: 'delete', key });
export const modIs = (key: string, at: number): Compare => {
  return { key, target: 'mod', revision: revision(at) };
};
export const createIs = (key: string, at: number): Compare => {
  return { key, target: 'create', revision: revision(at) };
};

export function write(
  store: Store,
  then: readonly Write[],
  compare: readonly Compare[] = [],
): Promise<WriteOutcome> {
  return store.txn({ operation: nextOperation(), compare, then });
}

export async function commit(
  store: Store,
  then: readonly Write[],
  compare: readonly Compare[] = [],
): Promise<Revision> {
  const outcome = await write(store, then, compare);
  if (outcome.kind !== 'committed') throw new Error(`not committed: ${JSON.stringify(outcome)}`);
  return outcome.revision;
}

export function collect(store: Store, prefix: string, from: number) {
  const events: WatchEvent[] = [];
  const stop = store.watch(prefix, revision(from), (event) => events.push(event));
  return { events, stop };
}

export function revisionsOf(events: readonly WatchEvent[]): readonly (number | string)[] {
  return events.map((event) => (event.kind === 'batch' ? event.batch.revision : event.kind));
}

export function changesOf(event: WatchEvent | undefined): Record<string, string | null> {
  if (event?.kind !== 'batch') throw new Error(`no batch but ${event?.kind ?? 'nothing'}`);
  const pairs = event.batch.changes.map(({ key, current }) => [key, current?.value ?? null]);
  return Object.fromEntries(pairs) as Record<string, string | null>;
}

export async function campaign(store: Store, candidate: string): Promise<Leadership> {
  return store.campaign({ candidate, signal: AbortSignal.timeout(10_000) });
}

export function guard(leader: Leadership): Compare {
  return { key: leader.key, target: 'create', revision: leader.createRevision };
}
