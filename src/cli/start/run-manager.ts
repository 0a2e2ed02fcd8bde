import { startApiServer } from '../../api/server/server.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { nodeId } from '../../core/model/ids.ts';
import type { Log } from '../../env/log.ts';
import { realLog } from '../../env/real/log.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { startManager } from '../../manager/manager.ts';
import type { ReadDomainXml } from '../../manager/service/vm-service.ts';
import { builtinDrivers } from '../../../fencing/registry.ts';
import type { RunManagerOptions } from '../start-functions.ts';
import { openManager } from './open-manager.ts';
import { runWitness, wasRemoved } from './run-witness.ts';
import { loadManagerConfig } from './service-config.ts';
import { untilStopped } from './until-stopped.ts';

/**
 * Runs a manager in the foreground until it is told to stop. E_CONFLICT when it was removed from its
 * cluster: it would be of no use, and is not to be started again.
 */
export async function runManager({ directory }: RunManagerOptions): Promise<Outcome<null>> {
  const log = realLog({ level: 'info' });
  const config = await loadManagerConfig(realEnv({ log }).disk, directory);
  if (config.kind === 'problem') return config;
  return config.value.witness ? runWitness(directory, log) : runFull(directory, log);
}

async function runFull(directory: string, log: Log): Promise<Outcome<null>> {
  const opened = await openManager(directory, log);
  if (opened.kind === 'problem') return opened;
  const { env, config, credentials, store, options } = opened.value;
  const removed = new AbortController();
  const manager = await startManager({
    ...options,
    drivers: builtinDrivers(),
    readXml,
    onRemoved: () => removed.abort(),
  });
  const api = await startApiServer({
    env,
    service: manager.service,
    credentials: () => credentials,
    listen: { host: config.address, port: config.apiPort },
    unixSocket: `${directory}/api.sock`,
  });
  log.info({ manager: config.name, address: options.advertised.api }, 'manager runs');
  const ended = new Promise<void>((resolve) => {
    removed.signal.addEventListener('abort', () => resolve(), { once: true });
    if (removed.signal.aborted) resolve();
  });
  await untilStopped(ended, async () => {
    await api.close();
    await manager.stop();
    const { membership } = options;
    if (removed.signal.aborted && membership.managersVote) await membership.left();
    await store.close();
  });
  return removed.signal.aborted ? wasRemoved(config.name, directory) : ok(null);
}

const readXml: ReadDomainXml = async (xml) => {
  const { readDomainSpec } = await import('../../../agent/libvirt/domain-spec.ts');
  const spec = readDomainSpec(xml);
  return spec.kind === 'problem'
    ? spec
    : ok({ ...spec.value, nodes: spec.value.nodes.map(nodeId) });
};
