import type { ClusterObject } from '../../core/cluster-state.ts';
import { defaultSettings } from '../../core/model/settings.ts';
import type { Change, NewEvent } from '../../core/plan.ts';
import type { Leadership, Store, Transaction, WriteOutcome } from '../../store/store.ts';
import type { MemoryStore } from '../../store/memory/memory-store.ts';
import { LeaderWriter } from '../leader-writer.ts';
import { Mirror } from '../mirror.ts';
import { ManagerWorld, type Seed } from './manager-world.ts';

const never = new AbortController().signal;

export interface WriterBench {
  readonly world: ManagerWorld;
  readonly client: MemoryStore;
  readonly leadership: Leadership;
  readonly mirror: Mirror;
  readonly writer: LeaderWriter;
  /** Every transaction that the writer sent, with its outcome as the writer got it. */
  readonly sent: { readonly transaction: Transaction; readonly outcome: WriteOutcome }[];
  /** Replaces calls on the store for as long as it is set. */
  bend: Partial<Pick<Store, 'get' | 'list' | 'txn'>>;
}

/** A writer that leads over a memory store, with what is seeded already there. */
export async function writerBench(...seeds: readonly Seed[]): Promise<WriterBench> {
  const world = new ManagerWorld();
  if (seeds.length > 0) await world.seed(...seeds);
  return writerIn(world, 'm-1');
}

/** A further writer in the same world; waits until it leads. */
export async function writerIn(world: ManagerWorld, name: string): Promise<WriterBench> {
  const { env } = world.managerEnv(name);
  const client = world.store.connect(name, env);
  const leadership = await world.wait(client.campaign({ candidate: name, signal: never }));
  const mirror = new Mirror(leadership.epoch, world.clock, defaultSettings('default'));
  await world.wait(mirror.load(client));
  const sent: WriterBench['sent'] = [];
  const bench: { bend: WriterBench['bend'] } = { bend: {} };
  const store: Store = {
    get: (key) => (bench.bend.get ?? client.get.bind(client))(key),
    list: (prefix) => (bench.bend.list ?? client.list.bind(client))(prefix),
    txn: async (transaction) => {
      const outcome = await (bench.bend.txn ?? client.txn.bind(client))(transaction);
      sent.push({ transaction, outcome });
      return outcome;
    },
    watch: client.watch.bind(client),
    campaign: client.campaign.bind(client),
    status: () => client.status(),
    close: () => client.close(),
  };
  const writer = new LeaderWriter({ env, store, leadership, mirror });
  return Object.assign(bench, { world, client, leadership, mirror, writer, sent });
}

export const put = (object: ClusterObject): Change => ({ kind: 'put', object });

export const eventOf = (code: string, text = code): NewEvent => ({
  code,
  severity: 'info',
  node: null,
  vm: null,
  text,
});
