import { formatHostPort } from '../../api/schema/host-port.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { restoredContent } from '../../manager/restored-content.ts';
import { decodeBackup, type Backup } from '../../store/backup/backup-file.ts';
import { contentHash, readContent, type StoreContent } from '../../store/backup/content.ts';
import { fillStore } from '../../store/backup/fill-store.ts';
import { readIdentity } from '../../store/raft/member-directory.ts';
import { createStore } from '../../store/raft/open-raft-store.ts';
import type { RestoreStoreOptions, RestoreStoreResult } from '../start-functions.ts';
import { offlineManager, openOffline, orRefused, type OfflineManager } from './offline-store.ts';
import { saveManagerConfig } from './service-config.ts';
import { storeDirectory } from './store-access.ts';

/**
 * Puts a backup into the empty store of a stopped manager. E_BACKUP for a file that is damaged or of
 * another cluster, E_CONFLICT for a store that holds something.
 */
export async function restoreStore(
  options: RestoreStoreOptions,
): Promise<Outcome<RestoreStoreResult>> {
  const offline = await offlineManager(options.directory);
  if (offline.kind === 'problem') return offline;
  if (offline.value.config.witness) return onlyVotes(options.directory);
  const backup = decodeBackup(options.text, options.file);
  if (backup.kind === 'problem') return backup;
  const { header } = backup.value;
  if (header.clusterId !== offline.value.config.clusterId) {
    return otherCluster(options, header.clusterId, offline.value.config.clusterId);
  }
  const what = `${options.file} was not restored`;
  return orRefused(what, () => restoreInto(offline.value, backup.value));
}

async function restoreInto(
  offline: OfflineManager,
  { header, content }: Backup,
): Promise<Outcome<RestoreStoreResult>> {
  const { env, directory } = offline;
  const isRaft = offline.config.store.kind === 'raft';
  const config = isRaft ? await withNewMember(offline, content) : ok(offline.config);
  if (config.kind === 'problem') return config;
  const store = await openOffline({ ...offline, config: config.value });
  if (store.kind === 'problem') return store;
  try {
    const changed = restoredContent(content, { nowIso: env.clock.wallIso(), isAlone: isRaft });
    const taken = await fillStore(store.value, env.random, changed);
    if (taken !== null) return notEmpty(directory, taken);
    const written = await readContent(store.value);
    if (contentHash(written) !== contentHash(changed)) {
      return problem({
        code: 'E_INTERNAL',
        what: 'the store does not hold what was written to it',
        because: 'the content that was read back has another hash',
        so: 'do not start the manager on it',
        try: ['check the disk (dmesg, smartctl)', 'move the store away and restore again'],
      });
    }
    return ok({
      clusterId: header.clusterId,
      madeAt: header.madeAt,
      driver: config.value.store.kind,
      keys: changed.items.length,
      contentHash: header.contentHash,
      epoch: changed.epoch,
      nodes: content.items.flatMap(([key]) => (key.startsWith('node/') ? [key.slice(5)] : [])),
    });
  } finally {
    await store.value.close();
  }
}

/**
 * A store of managers begins anew with this one as its only member. It gets a number that was never
 * given out: whoever still runs on the old store must not take it for the member that it knew.
 */
async function withNewMember(
  { env, directory, config }: OfflineManager,
  content: StoreContent,
): Promise<Outcome<OfflineManager['config']>> {
  const place = storeDirectory(directory, config.store);
  const known = await readIdentity(env.disk, place);
  if (known !== null) return ok({ ...config, number: known.number });
  const names = (await env.disk.list(place)).filter((name) => name !== 'store.lock');
  if (names.length > 0) return notEmpty(directory, `${place} holds ${names.join(', ')}`);
  const roster = content.items.find(([key]) => key === 'roster')?.[1];
  const last = roster === undefined ? 0 : (JSON.parse(roster) as { lastNumber: number }).lastNumber;
  const number = Math.max(last, config.number) + numbersSkipped;
  const address = formatHostPort(config.address, config.sessionPort);
  const renumbered = { ...config, number };
  // First, so that a member never runs under a number that its manager does not know.
  await saveManagerConfig(env.disk, directory, renumbered);
  await createStore(
    { env, directory: place, clusterId: config.clusterId },
    { number, name: config.name, address },
  );
  return ok(renumbered);
}

/** More managers than join between a backup and its restore. */
const numbersSkipped = 1000;

function notEmpty(directory: string, because: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `the store of the manager in ${directory} is not empty`,
    because,
    so: 'nothing was restored: what is there may be newer than the backup',
    try: [
      `mv ${directory}/store ${directory}/store.old, for a store on this disk`,
      'etcdctl del --prefix /kennel/CLUSTER/, for one in etcd',
    ],
  });
}

function onlyVotes(directory: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: 'nothing is restored here',
    because: `the manager in ${directory} is a witness, and nobody would lead on what it restored`,
    so: 'nothing was changed',
    try: ['restore on a manager that can lead; the witness joins again afterwards'],
  });
}

function otherCluster(
  { file, directory }: RestoreStoreOptions,
  theirs: string,
  ours: string,
): Outcome<never> {
  return problem({
    code: 'E_BACKUP',
    what: `${file} is a backup of another cluster`,
    because: `it is of ${theirs}, the manager in ${directory} belongs to ${ours}`,
    so: 'nothing was changed',
    try: ['name the right file', 'name the right directory with --directory'],
  });
}
