import { startApiServer } from '../../api/server/server.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { nodeId } from '../../core/model/ids.ts';
import { realLog } from '../../env/real/log.ts';
import { startManager } from '../../manager/manager.ts';
import type { ReadDomainXml } from '../../manager/service/vm-service.ts';
import { builtinDrivers } from '../../../fencing/registry.ts';
import type { RunManagerOptions } from '../start-functions.ts';
import { openManager } from './open-manager.ts';
import { untilStopped } from './until-stopped.ts';

/**
 * Runs a manager in the foreground until it is told to stop. E_CONFLICT when it was removed from its
 * cluster: it would be of no use, and is not to be started again.
 */
export async function runManager({ directory }: RunManagerOptions): Promise<Outcome<null>> {
  const log = realLog({ level: 'info' });
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

function wasRemoved(name: string, directory: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `${name} is no manager of this cluster any more`,
    because: 'it was removed, or replaced by another one',
    so: 'it has stopped; the cluster goes on without it',
    try: [
      'systemctl disable kennel-manager, on this machine',
      `to bring it back: move ${directory} away, then kennel manager join`,
    ],
  });
}

const readXml: ReadDomainXml = async (xml) => {
  const { readDomainSpec } = await import('../../../agent/libvirt/domain-spec.ts');
  const spec = readDomainSpec(xml);
  return spec.kind === 'problem'
    ? spec
    : ok({ ...spec.value, nodes: spec.value.nodes.map(nodeId) });
};
