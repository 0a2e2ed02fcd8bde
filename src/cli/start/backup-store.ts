import { ok, type Outcome } from '../../core/problem.ts';
import { decodeBackup, encodeBackup } from '../../store/backup/backup-file.ts';
import { contentOf, readContent } from '../../store/backup/content.ts';
import { readMemberState } from '../../store/raft/read-member-state.ts';
import type { BackupStoreOptions, BackupSummary } from '../start-functions.ts';
import { offlineManager, openOffline, orRefused, type OfflineManager } from './offline-store.ts';
import { orDamage } from './open-store.ts';
import { storeDirectory } from './store-access.ts';

/**
 * The backup of a stopped manager's store, as text. Of a member of a store of managers it is what this
 * member has, because the others may be gone for good.
 */
export async function backupStore({ directory }: BackupStoreOptions): Promise<Outcome<string>> {
  const offline = await offlineManager(directory);
  if (offline.kind === 'problem') return offline;
  return orRefused(`the store in ${directory} was not backed up`, async () => {
    const content = await contentIn(offline.value);
    if (content.kind === 'problem') return content;
    const { clusterId, clusterName, store } = offline.value.config;
    const madeAt = offline.value.env.clock.wallIso();
    return ok(encodeBackup({ clusterId, clusterName, madeAt, driver: store.kind }, content.value));
  });
}

async function contentIn(
  offline: OfflineManager,
): Promise<Outcome<Awaited<ReturnType<typeof readContent>>>> {
  const { env, directory, config } = offline;
  if (config.store.kind === 'raft') {
    const place = { env, directory: storeDirectory(directory, config.store) };
    const state = await orDamage(() => readMemberState({ ...place, clusterId: config.clusterId }));
    return state.kind === 'problem'
      ? state
      : ok(contentOf(state.value.items, state.value.revision));
  }
  const store = await openOffline(offline);
  if (store.kind === 'problem') return store;
  try {
    return ok(await readContent(store.value));
  } finally {
    await store.value.close();
  }
}

/** E_BACKUP when the text is no whole backup. */
export async function checkBackup({
  text,
}: {
  readonly text: string;
}): Promise<Outcome<BackupSummary>> {
  const backup = decodeBackup(text, 'what was answered');
  return backup.kind === 'problem' ? backup : ok(backup.value.header);
}
