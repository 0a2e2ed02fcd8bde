import { formatHostPort } from '../../api/schema/host-port.ts';
import { problem, ok, type Outcome } from '../../core/problem.ts';
import { DiskError } from '../../env/disk.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { realLog } from '../../env/real/log.ts';
import type { Env } from '../../env/env.ts';
import { alternativeNamesOf } from '../../pki/alternative-names.ts';
import { createAuthority } from '../../pki/authority.ts';
import { makeClusterKey, saveClusterKeys } from '../../pki/cluster-keys.ts';
import { saveAuthority, saveCredentials } from '../../pki/credential-files.ts';
import type { CertificateAuthority } from '../../pki/credentials.ts';
import { issueCredentials } from '../../pki/leaf.ts';
import { createStore } from '../../store/raft/open-raft-store.ts';
import { writeClientConfig } from '../client-config.ts';
import type { InitClusterOptions, InitClusterResult } from '../start-functions.ts';
import { saveManagerConfig, type ManagerConfig } from './service-config.ts';
import { storeDirectory } from './store-access.ts';
import { storeConfigOf, type StoreConfig } from './store-config.ts';

const firstManager = 'manager-1';

/** Makes a cluster: its authority, its first manager, and the configuration of its first admin. */
export async function initCluster(
  options: InitClusterOptions,
): Promise<Outcome<InitClusterResult>> {
  const env = realEnv({ log: realLog({ level: 'warn' }) });
  const { directory } = options;
  try {
    if ((await env.disk.read(`${directory}/manager.yaml`)) !== null) return alreadyMade(directory);
    const store = storeConfigOf(options.store);
    if (store.kind === 'problem') return store;
    await env.disk.makeDirectory(directory, { mode: 0o700 });
    return await make(env, options, store.value);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return problem({
      code: 'E_DATA_DIRECTORY',
      what: `the cluster could not be made in ${directory}`,
      because: `${error.code}: ${error.message}`,
      so: 'there is no cluster yet',
      try: ['run as a user that may write there', 'name another directory with --directory'],
    });
  }
}

async function make(
  env: Env,
  options: InitClusterOptions,
  store: StoreConfig,
): Promise<Outcome<InitClusterResult>> {
  const { directory, address } = options;
  const config: ManagerConfig = {
    clusterId: env.random.uuid(),
    clusterName: options.clusterName,
    name: firstManager,
    number: 1,
    address,
    apiPort: options.apiPort,
    sessionPort: options.sessionPort,
    witness: false,
    profile: options.profile,
    store,
  };
  const nowIso = env.clock.wallIso();
  const authority = await createAuthority({ clusterId: config.clusterId, nowIso });
  const manager = await issueCredentials(authority, {
    clusterId: config.clusterId,
    role: 'manager',
    name: config.name,
    nowIso,
    ...alternativeNamesOf([address]),
  });
  if (manager.kind === 'problem') return manager;
  const adminConfig = await makeAdmin(env, directory, authority, config);
  if (adminConfig.kind === 'problem') return adminConfig;
  await saveAuthority(env.disk, `${directory}/authority.pem`, authority);
  await saveClusterKeys(env.disk, `${directory}/cluster-keys.json`, [makeClusterKey()]);
  await saveCredentials(env.disk, `${directory}/manager.pem`, manager.value);
  if (store.kind === 'raft') {
    const member = {
      number: config.number,
      name: config.name,
      address: formatHostPort(address, config.sessionPort),
    };
    const place = { env, directory: storeDirectory(directory, store), clusterId: config.clusterId };
    await createStore(place, member);
  }
  // Written last: its presence says that everything else is there.
  await saveManagerConfig(env.disk, directory, config);
  return ok({ clusterId: config.clusterId, adminConfig: adminConfig.value });
}

async function makeAdmin(
  env: Env,
  directory: string,
  authority: CertificateAuthority,
  config: ManagerConfig,
): Promise<Outcome<string>> {
  const admin = await issueCredentials(authority, {
    clusterId: config.clusterId,
    role: 'admin',
    name: 'admin',
    nowIso: env.clock.wallIso(),
  });
  if (admin.kind === 'problem') return admin;
  const path = `${directory}/admin/admin.yaml`;
  const write = (name: string, text: string): Promise<void> =>
    env.disk.replace(`${directory}/admin/${name}`, new TextEncoder().encode(text), { mode: 0o600 });
  await env.disk.makeDirectory(`${directory}/admin`, { mode: 0o700 });
  await write('admin.crt', admin.value.certificatePem);
  await write('admin.key', admin.value.keyPem);
  await write('ca.crt', authority.certificatePem);
  await writeClientConfig(env.disk, path, {
    addresses: [formatHostPort(config.address, config.apiPort)],
    certificate: 'admin.crt',
    key: 'admin.key',
    certificateAuthority: 'ca.crt',
  });
  return ok(path);
}

function alreadyMade(directory: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `there is a cluster in ${directory} already`,
    because: 'manager.yaml is there',
    so: 'nothing was changed',
    try: [`kennel manager run --directory ${directory}`, 'name another directory with --directory'],
  });
}
