import type { StoreAccess } from '../../api/schema/managers.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Disk } from '../../env/disk.ts';
import type { Env } from '../../env/env.ts';
import { prepareMember } from '../../store/raft/open-raft-store.ts';
import { readText } from './service-config.ts';
import { storeConfigSchema, type EtcdConfig, type StoreConfig } from './store-config.ts';

/** The files that the configuration of etcd may name, by the name that their text travels under. */
const files = {
  ca: { option: 'ca', file: 'etcd-ca.crt' },
  certificate: { option: 'certificate', file: 'etcd-client.crt' },
  key: { option: 'key', file: 'etcd-client.key' },
  password: { option: 'passwordFile', file: 'etcd-password' },
} as const;

type FileName = keyof typeof files;
const fileNames = Object.keys(files) as readonly FileName[];

/**
 * What another manager needs to reach this one's store, with the texts of the files that its
 * configuration names. Members of a store of managers find each other by the registry.
 */
export async function storeAccessOf(disk: Disk, store: StoreConfig): Promise<Outcome<StoreAccess>> {
  return store.kind === 'etcd' ? etcdAccess(disk, store) : ok({ kind: 'raft' });
}

async function etcdAccess(disk: Disk, config: EtcdConfig): Promise<Outcome<StoreAccess>> {
  const texts: Partial<Record<FileName, string>> = {};
  for (const name of fileNames) {
    const path = config[files[name].option];
    if (path === undefined) continue;
    const text = await readText(disk, path, 'the administrator of etcd');
    if (text.kind === 'problem') return text;
    texts[name] = text.value;
  }
  const { endpoints, serverName, user } = config;
  return ok({
    kind: 'etcd',
    endpoints,
    ...texts,
    ...(serverName === undefined ? {} : { serverName }),
    ...(user === undefined ? {} : { user }),
  });
}

/**
 * The inverse: writes the texts into a manager's directory, or makes the directory of a new member
 * of the embedded store. Throws `DiskError`.
 */
export async function saveStoreAccess(
  env: Pick<Env, 'disk' | 'log' | 'clock'>,
  directory: string,
  access: StoreAccess,
  member: { readonly number: number; readonly name: string },
): Promise<Outcome<StoreConfig>> {
  const { disk } = env;
  if (access.kind === 'raft') {
    await prepareMember({ env, directory: storeDirectory(directory, { kind: 'raft' }) }, member);
    return ok({ kind: 'raft' });
  }
  const config: Record<string, unknown> = { kind: 'etcd', endpoints: access.endpoints };
  if (access.serverName !== undefined) config['serverName'] = access.serverName;
  if (access.user !== undefined) config['user'] = access.user;
  for (const name of fileNames) {
    const text = access[name];
    if (text === undefined) continue;
    const path = `${directory}/${files[name].file}`;
    await disk.replace(path, new TextEncoder().encode(text), { mode: 0o600 });
    config[files[name].option] = path;
  }
  const parsed = storeConfigSchema.safeParse(config);
  if (parsed.success) return ok(parsed.data);
  return problem({
    code: 'E_INTERNAL',
    what: 'the way to the store that the cluster told is not usable',
    because: parsed.error.issues.map((issue) => issue.message).join('; '),
    so: 'this machine is no manager yet',
    try: ['compare the versions: kennel --version, here and on the manager'],
  });
}

/** Where a manager keeps its part of an embedded store. */
export function storeDirectory(directory: string, store: StoreConfig): string {
  const name = store.kind === 'etcd' ? undefined : store.directory;
  return `${directory}/${name ?? 'store'}`;
}
