import { formatHostPort } from '../../api/schema/host-port.ts';
import { clusterId } from '../../core/model/ids.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import type { Log } from '../../env/log.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { splitListener } from '../../env/split-listener.ts';
import type { NetworkAddress } from '../../env/network.ts';
import type { ManagerOptions } from '../../manager/manager.ts';
import { fingerprintOf } from '../../pki/certificate-identity.ts';
import { loadClusterKeys } from '../../pki/cluster-keys.ts';
import { loadAuthority, loadCredentials } from '../../pki/credential-files.ts';
import type { Credentials } from '../../pki/credentials.ts';
import { derOfPem } from '../../pki/pem.ts';
import { isHello } from '../../store/raft/peers.ts';
import type { Membership } from '../../store/membership.ts';
import type { Store } from '../../store/store.ts';
import { openStore } from './open-store.ts';
import { loadManagerConfig, type ManagerConfig } from './service-config.ts';
import { storeAccessOf, storeDirectory } from './store-access.ts';

/** Who a manager is, and its part of the store. */
interface OpenedMember {
  /** Its network listens for what is no business of the store. */
  readonly env: Env;
  readonly config: ManagerConfig;
  readonly credentials: Credentials;
  readonly store: Store;
  readonly membership: Membership;
  readonly sessions: NetworkAddress;
}

/** E_DATA_DIRECTORY, E_CERTIFICATE, or E_STORE_* when it cannot run. */
export async function openMember(directory: string, log: Log): Promise<Outcome<OpenedMember>> {
  const local = realEnv({ log });
  const config = await loadManagerConfig(local.disk, directory);
  if (config.kind === 'problem') return config;
  const now = local.clock.wallIso();
  const credentials = await loadCredentials(local.disk, `${directory}/manager.pem`, now);
  if (credentials.kind === 'problem') return credentials;
  const env = realEnv({ log, credentials: () => credentials.value });
  const { name, address, sessionPort, witness } = config.value;
  const sessions = { host: address, port: sessionPort };
  // Members of the store and managers speak on the port where agents do.
  const doors = splitListener(env.network, {
    couldBeFirst: (channel) => channel.peer.role === 'manager',
    isFirst: isHello,
  });
  const opened = await openStore({
    env,
    config: config.value.store,
    directory: storeDirectory(directory, config.value.store),
    clusterId: clusterId(config.value.clusterId),
    nodeName: name,
    isWitness: witness,
    listen: sessions,
    door: doors.first,
    onFatal: (error) => {
      // The page cache may have dropped what was said to be written: only a restart reads the truth.
      log.error({ err: error }, 'the log could not be synced; this process stops');
      process.exit(70);
    },
  });
  if (opened.kind === 'problem') return opened;
  const network = { listen: doors.other.listen, connect: env.network.connect.bind(env.network) };
  return ok({
    env: { ...env, network },
    config: config.value,
    credentials: credentials.value,
    ...opened.value,
    sessions,
  });
}

/** A manager's directory, opened: what it is, what it holds, and its store. */
export interface OpenedManager {
  readonly env: Env;
  readonly config: ManagerConfig;
  readonly credentials: Credentials;
  readonly store: Store;
  /** For `startManager`; who fences, and how domains are read, is for the caller to add. */
  readonly options: Omit<ManagerOptions, 'drivers' | 'readXml' | 'onRemoved'>;
}

/** E_DATA_DIRECTORY, E_CERTIFICATE, or E_STORE_* when it cannot run. */
export async function openManager(directory: string, log: Log): Promise<Outcome<OpenedManager>> {
  const { disk } = realEnv({ log });
  const authority = await loadAuthority(disk, `${directory}/authority.pem`);
  if (authority.kind === 'problem') return authority;
  const keys = await loadClusterKeys(disk, `${directory}/cluster-keys.json`);
  if (keys.kind === 'problem') return keys;
  const opened = await openMember(directory, log);
  if (opened.kind === 'problem') return opened;
  const { env, config, credentials, store, membership, sessions } = opened.value;
  const { clusterName, name, number, address, apiPort, sessionPort, profile } = config;
  return ok({
    env,
    config,
    credentials,
    store,
    options: {
      env,
      store,
      name,
      number,
      clusterId: config.clusterId,
      clusterName,
      authority: authority.value,
      keys: keys.value,
      sessions,
      advertised: {
        api: formatHostPort(address, apiPort),
        sessions: formatHostPort(address, sessionPort),
      },
      fingerprint: fingerprintOf(derOfPem(credentials.certificatePem)),
      membership,
      storeAccess: () => storeAccessOf(env.disk, config.store),
      profile,
    },
  });
}
