import { formatHostPort } from '../../api/schema/host-port.ts';
import type { Handover, ManagerJoined } from '../../api/schema/managers.ts';
import { fetchHandover, joinAsManager } from '../../client/join.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { DiskError } from '../../env/disk.ts';
import type { Env } from '../../env/env.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { realLog } from '../../env/real/log.ts';
import { parseClusterKeys, saveClusterKeys } from '../../pki/cluster-keys.ts';
import { saveAuthority, saveCredentials } from '../../pki/credential-files.ts';
import type { Credentials } from '../../pki/credentials.ts';
import { createCertificateRequest } from '../../pki/leaf.ts';
import type { JoinManagerOptions, JoinManagerResult } from '../start-functions.ts';
import { saveManagerConfig } from './service-config.ts';
import { saveStoreAccess } from './store-access.ts';

/**
 * Makes this machine a manager: a key pair made here, a certificate for it from the cluster, and
 * then, to that certificate, the cluster's secrets. The directory ends up as `kennel init` leaves
 * one, and `manager.yaml` is written last.
 */
export async function joinManager(
  options: JoinManagerOptions,
): Promise<Outcome<JoinManagerResult>> {
  const env = realEnv({ log: realLog({ level: 'warn' }) });
  const { directory } = options;
  try {
    if ((await env.disk.read(`${directory}/manager.yaml`)) !== null) return alreadyOne(directory);
    await env.disk.makeDirectory(directory, { mode: 0o700 });
    return await join(env, options);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return problem({
      code: 'E_DATA_DIRECTORY',
      what: `the manager's data could not be written in ${directory}`,
      because: `${error.code}: ${error.message}`,
      so: `this machine is no manager yet; ${options.name} may be listed as one`,
      try: [`kennel manager remove ${options.name}`, 'join again with a fresh token'],
    });
  }
}

async function join(env: Env, options: JoinManagerOptions): Promise<Outcome<JoinManagerResult>> {
  const { name, address, apiPort, sessionPort, token, manager } = options;
  const request = await createCertificateRequest(name);
  const joined = await joinAsManager({
    manager,
    token,
    name,
    api: formatHostPort(address, apiPort),
    sessions: formatHostPort(address, sessionPort),
    certificateRequest: request.requestPem,
  });
  if (joined.kind === 'problem') return joined;
  const { clusterId, certificate, certificateAuthority } = joined.value;
  const credentials: Credentials = {
    clusterId,
    role: 'manager',
    name,
    certificatePem: certificate,
    keyPem: request.keyPem,
    caPem: certificateAuthority,
  };
  const handover = await fetchHandover(manager, credentials);
  if (handover.kind === 'problem') return handover;
  return write(env, options, { joined: joined.value, credentials, handover: handover.value });
}

async function write(
  env: Env,
  { directory, name, address, apiPort, sessionPort }: JoinManagerOptions,
  given: {
    readonly joined: ManagerJoined;
    readonly credentials: Credentials;
    readonly handover: Handover;
  },
): Promise<Outcome<JoinManagerResult>> {
  const { joined, credentials, handover } = given;
  const { clusterId, clusterName, profile, number, isWitness } = joined;
  if (!isWitness) {
    const keys = parseClusterKeys(handover.secrets?.clusterKeys);
    if (handover.secrets === null || keys === null) return notUsable();
    await saveAuthority(env.disk, `${directory}/authority.pem`, {
      certificatePem: joined.certificateAuthority,
      keyPem: handover.secrets.authorityKey,
    });
    await saveClusterKeys(env.disk, `${directory}/cluster-keys.json`, keys);
  }
  await saveCredentials(env.disk, `${directory}/manager.pem`, credentials);
  const store = await saveStoreAccess(env, directory, handover.store, { number, name });
  if (store.kind === 'problem') return store;
  // Written last: its presence says that everything else is there.
  await saveManagerConfig(env.disk, directory, {
    clusterId,
    clusterName,
    name,
    number,
    address,
    apiPort,
    sessionPort,
    witness: isWitness,
    profile,
    store: store.value,
  });
  return ok({ clusterId, number, managers: handover.managers.map((one) => one.api) });
}

function notUsable(): Outcome<never> {
  return problem({
    code: 'E_INTERNAL',
    what: 'the keys that the cluster told are not usable',
    because: 'they are not of the form that this version knows',
    so: 'this machine is no manager yet',
    try: ['compare the versions: kennel --version, here and on the manager'],
  });
}

function alreadyOne(directory: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `there is a manager in ${directory} already`,
    because: 'manager.yaml is there',
    so: 'nothing was changed, and the token is still good',
    try: [`kennel manager run --directory ${directory}`, 'name another directory with --directory'],
  });
}
