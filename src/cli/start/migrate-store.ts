import { formatHostPort } from '../../api/schema/host-port.ts';
import { operationId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import {
  contentHash,
  contentOf,
  fillingKey,
  movedKey,
  readContent,
  type StoreContent,
} from '../../store/backup/content.ts';
import { fillStore } from '../../store/backup/fill-store.ts';
import { leaderKey } from '../../store/leadership-key.ts';
import { readIdentity } from '../../store/raft/member-directory.ts';
import { createStore } from '../../store/raft/open-raft-store.ts';
import { readMemberState } from '../../store/raft/read-member-state.ts';
import { StoreUnavailable, type Store, type Write } from '../../store/store.ts';
import type { MigrateStoreOptions, MigrateStoreResult, MigratedSide } from '../start-functions.ts';
import { offlineManager, openOffline, orRefused, type OfflineManager } from './offline-store.ts';
import { orDamage } from './open-store.ts';
import { saveManagerConfig } from './service-config.ts';
import { storeDirectory } from './store-access.ts';
import { storeConfigOf, type StoreConfig } from './store-config.ts';

/**
 * Moves everything from the store of a stopped manager to another, empty one, and then names that one in
 * `manager.yaml`: this last step is what counts. Interrupted before, it may be repeated. The source is
 * marked, so that no manager leads on it meanwhile or ever after.
 */
export async function migrateStore(
  options: MigrateStoreOptions,
): Promise<Outcome<MigrateStoreResult>> {
  const offline = await offlineManager(options.directory);
  if (offline.kind === 'problem') return offline;
  const from = offline.value.config.store;
  if (from.kind !== options.from) return notFrom(options, from.kind);
  if (options.to.kind === from.kind) return notFrom(options, from.kind);
  const chosen = storeConfigOf(options.to);
  if (chosen.kind === 'problem') return chosen;
  const to = besides(chosen.value, from);
  return orRefused('the store was not moved', () => migrate(offline.value, to));
}

/** A place beside the old one on the same disk, always the same, so that a repetition finds it. */
function besides(to: StoreConfig, from: StoreConfig): StoreConfig {
  const old = from.kind === 'etcd' ? null : (from.directory ?? 'store');
  if (to.kind === 'etcd' || old === null) return to;
  return { ...to, directory: old === `store-${to.kind}` ? 'store' : `store-${to.kind}` };
}

async function migrate(
  offline: OfflineManager,
  to: StoreConfig,
): Promise<Outcome<MigrateStoreResult>> {
  const shared = await otherMembers(offline);
  if (shared !== null) return shared;
  const source = await openOffline(offline);
  if (source.kind === 'problem') return source;
  try {
    const moved = await moveTo(offline, source.value, to);
    // Whatever keeps it from being moved, the old store goes on as it was.
    if (moved.kind === 'problem') await mark(source.value, offline.env, null);
    if (moved.kind === 'problem') return moved;
    await saveManagerConfig(offline.env.disk, offline.directory, { ...offline.config, store: to });
    return moved;
  } finally {
    await source.value.close();
  }
}

/** A member alone may lack what the others have committed. Null when there is no other one. */
async function otherMembers(offline: OfflineManager): Promise<Outcome<never> | null> {
  const { env, directory, config } = offline;
  if (config.store.kind !== 'raft') return null;
  const place = { env, directory: storeDirectory(directory, config.store) };
  const state = await orDamage(() => readMemberState({ ...place, clusterId: config.clusterId }));
  if (state.kind === 'problem') return state;
  return severalManagers(state.value.items);
}

function severalManagers(items: readonly { readonly key: string }[]): Outcome<never> | null {
  const managers = items.flatMap(({ key }) => (key.startsWith('manager/') ? [key.slice(8)] : []));
  if (managers.length < 2) return null;
  return problem({
    code: 'E_CONFLICT',
    what: 'the store is not moved',
    because: `it is shared by ${managers.join(', ')}, and one alone cannot move for all`,
    so: 'nothing was changed',
    try: [
      'start them, kennel manager remove all but one, and repeat this on that one',
      'the others join again afterwards: kennel manager join',
    ],
  });
}

async function moveTo(
  offline: OfflineManager,
  source: Store,
  to: StoreConfig,
): Promise<Outcome<MigrateStoreResult>> {
  const { env, directory, config } = offline;
  await mark(source, env, `to ${to.kind}`);
  const { items } = await source.list('');
  const leading = items.find(({ key }) => key.startsWith(`${leaderKey}/`));
  if (leading !== undefined) return inUse(leading.value);
  const shared = severalManagers(items);
  if (shared !== null) return shared;
  const content = await readContent(source);
  if (to.kind === 'raft') await makeMember(offline, to);
  const target = await openOffline(offline, to);
  if (target.kind === 'problem') return target;
  try {
    const isDone = await holds(target.value, content);
    const taken = isDone ? null : await fillStore(target.value, env.random, content);
    if (taken !== null) return notEmpty(to, taken);
    const written = await readContent(target.value);
    const sides = { from: side(config.store, content), to: side(to, written) };
    if (sides.from.contentHash !== sides.to.contentHash) return differs(sides);
    const old = config.store.kind === 'etcd' ? null : storeDirectory(directory, config.store);
    return ok({ ...sides, epoch: written.epoch, old });
  } finally {
    await target.value.close();
  }
}

/**
 * An earlier run came to its end and was cut off before `manager.yaml` was written. A store that was
 * itself moved away, or whose epochs are lower, is an old one, whatever it holds.
 */
async function holds(target: Store, content: StoreContent): Promise<boolean> {
  const { items, revision } = await target.list('');
  const there = contentOf(items, revision);
  return (
    there.items.length > 0 &&
    contentHash(there) === contentHash(content) &&
    there.epoch >= content.epoch &&
    !items.some(({ key }) => key === movedKey || key === fillingKey)
  );
}

async function makeMember({ env, directory, config }: OfflineManager, to: StoreConfig) {
  const place = storeDirectory(directory, to);
  if ((await readIdentity(env.disk, place)) !== null) return;
  const { number, name, clusterId } = config;
  const address = formatHostPort(config.address, config.sessionPort);
  await createStore({ env, directory: place, clusterId }, { number, name, address });
}

/** Says in the old store where its content went; null = it did not. */
async function mark(store: Store, env: Env, where: string | null): Promise<void> {
  const write: Write =
    where === null
      ? { kind: 'delete', key: movedKey }
      : { kind: 'put', key: movedKey, value: where };
  const operation = operationId(`moved/${env.random.uuid()}`);
  const outcome = await store.txn({ operation, compare: [], then: [write] });
  if (outcome.kind !== 'committed') throw new StoreUnavailable(outcome.detail);
}

const side = (store: StoreConfig, content: StoreContent): MigratedSide => ({
  driver: store.kind,
  keys: content.items.length,
  contentHash: contentHash(content),
});

function notFrom({ from, to, directory }: MigrateStoreOptions, is: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `the store is not moved from ${from} to ${to.kind}`,
    because: `the store of the manager in ${directory} is ${is}`,
    so: 'nothing was changed',
    try: [`kennel store migrate --from ${is} --to ${is === 'etcd' ? 'raft' : 'etcd'}`],
  });
}

function inUse(leader: string): Outcome<never> {
  return problem({
    code: 'E_STORE_LOCKED',
    what: 'the store is not moved',
    because: `a manager leads on it: ${leader}`,
    so: 'nothing was changed',
    try: ['systemctl stop kennel-manager, on all managers', 'repeat it a few seconds later'],
  });
}

function notEmpty(to: StoreConfig, because: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `the store is not moved: ${to.kind} is not empty`,
    because,
    so: 'nothing was changed; the old store goes on',
    try:
      to.kind === 'etcd'
        ? ['etcdctl del --prefix /kennel/CLUSTER/, if nobody needs what is there']
        : ['move the directory away, if nobody needs what is there'],
  });
}

function differs({ from, to }: Pick<MigrateStoreResult, 'from' | 'to'>): Outcome<never> {
  return problem({
    code: 'E_INTERNAL',
    what: 'the new store does not hold what the old one does',
    because: `${from.keys} keys with hash ${from.contentHash}, ${to.keys} with ${to.contentHash}`,
    so: 'the old store goes on',
    try: ['check the disk (dmesg, smartctl), then repeat'],
  });
}
