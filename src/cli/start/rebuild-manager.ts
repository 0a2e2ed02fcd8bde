import { askForRebuild } from '../../client/join.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Disk } from '../../env/disk.ts';
import { loadCredentials } from '../../pki/credential-files.ts';
import { prepareMember } from '../../store/raft/open-raft-store.ts';
import { lockedDirectory } from '../../store/store-damaged.ts';
import type { RebuildManagerOptions, RebuildManagerResult } from '../start-functions.ts';
import { offlineManager, orRefused, type OfflineManager } from './offline-store.ts';
import { orDamage } from './open-store.ts';
import { saveManagerConfig } from './service-config.ts';
import { storeDirectory } from './store-access.ts';

/**
 * A manager whose part of the store is damaged or gone begins again from the others' state. E_CONFLICT
 * where the managers share no store of their own, E_STORE_LOCKED while it runs.
 *
 * The order keeps the vote safe and lets every step be repeated: the old log is out of the way before
 * anything may run under the new number, and `manager.yaml` names that number last. Cut off before,
 * the next run gets another number, and the unused one is let go of like any member without a record.
 */
export async function rebuildManager(
  options: RebuildManagerOptions,
): Promise<Outcome<RebuildManagerResult>> {
  const offline = await offlineManager(options.directory);
  if (offline.kind === 'problem') return offline;
  const { config } = offline.value;
  if (config.store.kind !== 'raft') return notShared(config.name, config.store.kind);
  return orRefused(`${config.name} was not rebuilt`, () => rebuild(offline.value, options));
}

async function rebuild(
  { env, directory, config }: OfflineManager,
  { manager }: RebuildManagerOptions,
): Promise<Outcome<RebuildManagerResult>> {
  const place = storeDirectory(directory, config.store);
  const nowIso = env.clock.wallIso();
  const credentials = await loadCredentials(env.disk, `${directory}/manager.pem`, nowIso);
  if (credentials.kind === 'problem') return credentials;
  const hasData = (await env.disk.list(place)).length > 0;
  const lock = hasData ? await orDamage(() => lockStore(env.disk, place)) : ok(null);
  if (lock.kind === 'problem') return lock;
  try {
    const given = await askForRebuild(manager, credentials.value);
    if (given.kind === 'problem') return given;
    const { number } = given.value;
    const setAside = hasData ? await moveAway(env.disk, place, config.number) : null;
    await prepareMember({ env, directory: place }, { number, name: config.name });
    await saveManagerConfig(env.disk, directory, { ...config, number });
    return ok({ name: config.name, was: config.number, number, setAside });
  } finally {
    await lock.value?.release();
  }
}

async function lockStore(disk: Disk, place: string): Promise<{ release(): Promise<void> }> {
  const lock = await disk.lock(`${place}/store.lock`);
  if (lock.kind === 'held') throw lockedDirectory(place, lock.holder);
  return lock;
}

/** Beside what earlier rebuilds left there. */
async function moveAway(disk: Disk, place: string, number: number): Promise<string> {
  const at = place.lastIndexOf('/');
  const parent = place.slice(0, at);
  const taken = new Set(await disk.list(parent));
  const name = `${place.slice(at + 1)}.damaged-${number}`;
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}.${n}`;
  await disk.rename(place, `${parent}/${free}`);
  await disk.syncDirectory(parent);
  return `${parent}/${free}`;
}

function notShared(name: string, store: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `${name} cannot be rebuilt from other managers`,
    because:
      store === 'etcd'
        ? 'its store is in etcd, and nothing of it is on this disk'
        : 'it is the only one that has the store',
    so: 'nothing was changed',
    try:
      store === 'etcd'
        ? ['see to etcd: etcdctl endpoint health']
        : ['kennel restore FILE, from a backup'],
  });
}
