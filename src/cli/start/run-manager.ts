import { startApiServer } from '../../api/server/server.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { clusterId, nodeId } from '../../core/model/ids.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { realLog } from '../../env/real/log.ts';
import { startManager } from '../../manager/manager.ts';
import type { ReadDomainXml } from '../../manager/service/vm-service.ts';
import { loadAuthority, loadCredentials } from '../../pki/credential-files.ts';
import { builtinDrivers } from '../../../fencing/registry.ts';
import type { RunManagerOptions } from '../start-functions.ts';
import { openStore } from './open-store.ts';
import { loadManagerConfig } from './service-config.ts';
import { untilStopped } from './until-stopped.ts';

/** Runs a manager in the foreground until it is told to stop. */
export async function runManager({ directory }: RunManagerOptions): Promise<Outcome<null>> {
  const log = realLog({ level: 'info' });
  const local = realEnv({ log });
  const config = await loadManagerConfig(local.disk, directory);
  if (config.kind === 'problem') return config;
  const now = local.clock.wallIso();
  const credentials = await loadCredentials(local.disk, `${directory}/manager.pem`, now);
  if (credentials.kind === 'problem') return credentials;
  const authority = await loadAuthority(local.disk, `${directory}/authority.pem`);
  if (authority.kind === 'problem') return authority;
  const env = realEnv({ log, credentials: () => credentials.value });
  const { clusterName, name, address, apiPort, sessionPort, profile } = config.value;
  const store = await openStore({
    env,
    config: config.value.store,
    directory: `${directory}/store`,
    clusterId: clusterId(config.value.clusterId),
    nodeName: name,
    onFatal: (error) => {
      // The page cache may have dropped what was said to be written: only a restart reads the truth.
      log.error({ err: error }, 'the log could not be synced; this process stops');
      process.exit(70);
    },
  });
  if (store.kind === 'problem') return store;
  const manager = await startManager({
    env,
    store: store.value,
    name,
    clusterId: config.value.clusterId,
    clusterName,
    authority: authority.value,
    drivers: builtinDrivers(),
    readXml,
    sessions: { host: address, port: sessionPort },
    managers: [`${address}:${sessionPort}`],
    profile,
  });
  const api = await startApiServer({
    env,
    service: manager.service,
    credentials: () => credentials.value,
    listen: { host: address, port: apiPort },
    unixSocket: `${directory}/api.sock`,
  });
  log.info({ manager: name, address: `${address}:${apiPort}` }, 'manager runs');
  await untilStopped(new Promise<never>(() => undefined), async () => {
    await api.close();
    await manager.stop();
    await store.value.close();
  });
  return ok(null);
}

const readXml: ReadDomainXml = async (xml) => {
  const { readDomainSpec } = await import('../../../agent/libvirt/domain-spec.ts');
  const spec = readDomainSpec(xml);
  return spec.kind === 'problem'
    ? spec
    : ok({ ...spec.value, nodes: spec.value.nodes.map(nodeId) });
};
