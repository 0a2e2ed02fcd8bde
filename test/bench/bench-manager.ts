import { startApiServer } from '../../src/api/server/server.ts';
import { loadManagerConfig } from '../../src/cli/start/service-config.ts';
import { untilStopped } from '../../src/cli/start/until-stopped.ts';
import { clusterId } from '../../src/core/model/ids.ts';
import { problem, type Outcome } from '../../src/core/problem.ts';
import { realEnv } from '../../src/env/real/real-env.ts';
import { realLog } from '../../src/env/real/log.ts';
import { formatProblem, KennelError } from '../../src/errors/kennel-error.ts';
import { startManager } from '../../src/manager/manager.ts';
import { loadAuthority, loadCredentials } from '../../src/pki/credential-files.ts';
import { openFileStore } from '../../src/store/file/file-store.ts';
import { driversOf } from '../../fencing/registry.ts';
import { benchDriver } from './bmc-driver.ts';

/**
 * `bench-manager.ts DIRECTORY`: what `kennel manager run` puts together, with the bench's fence
 * driver in place of the built-in ones, so that nothing that ships knows of that driver.
 */
async function main(directory: string): Promise<void> {
  const log = realLog({ level: 'info' });
  const local = realEnv({ log });
  const config = valueOf(await loadManagerConfig(local.disk, directory));
  const now = local.clock.wallIso();
  const credentials = valueOf(await loadCredentials(local.disk, `${directory}/manager.pem`, now));
  const authority = valueOf(await loadAuthority(local.disk, `${directory}/authority.pem`));
  const env = realEnv({ log, credentials: () => credentials });
  const { clusterName, name, address, apiPort, sessionPort, profile } = config;
  const store = await openFileStore({
    env,
    directory: `${directory}/store`,
    clusterId: clusterId(config.clusterId),
    nodeName: name,
    onFatal: (error) => {
      log.error({ err: error }, 'the log could not be synced; this process stops');
      process.exit(70);
    },
  });
  const manager = await startManager({
    env,
    store,
    name,
    clusterId: config.clusterId,
    clusterName,
    authority,
    drivers: driversOf([benchDriver]),
    readXml: () => Promise.resolve(noXml()),
    sessions: { host: address, port: sessionPort },
    managers: [`${address}:${sessionPort}`],
    profile,
  });
  const api = await startApiServer({
    env,
    service: manager.service,
    credentials: () => credentials,
    listen: { host: address, port: apiPort },
    unixSocket: `${directory}/api.sock`,
  });
  await untilStopped(new Promise<never>(() => undefined), async () => {
    await api.close();
    await manager.stop();
    await store.close();
  });
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'problem') throw new KennelError(outcome.problem);
  return outcome.value;
}

function noXml(): Outcome<never> {
  return problem({
    code: 'E_SPEC_INVALID',
    what: 'libvirt XML is not read here',
    because: 'the VMs of the bench are processes',
    so: 'nothing was changed',
    try: ['create the VM from a typed spec'],
  });
}

try {
  await main(process.argv[2] ?? '');
  process.exit(0);
} catch (error) {
  process.stderr.write(
    error instanceof KennelError ? `${formatProblem(error.problem)}\n` : `${String(error)}\n`,
  );
  process.exit(1);
}
