import { startApiServer } from '../../src/api/server/server.ts';
import { openManager } from '../../src/cli/start/open-manager.ts';
import { untilStopped } from '../../src/cli/start/until-stopped.ts';
import { problem, type Outcome } from '../../src/core/problem.ts';
import { realLog } from '../../src/env/real/log.ts';
import { formatProblem, KennelError } from '../../src/errors/kennel-error.ts';
import { startManager } from '../../src/manager/manager.ts';
import { driversOf } from '../../fencing/registry.ts';
import { benchDriver } from './bmc-driver.ts';

/**
 * `bench-manager.ts DIRECTORY`: what `kennel manager run` puts together, with the bench's fence
 * driver in place of the built-in ones, so that nothing that ships knows of that driver.
 */
async function main(directory: string): Promise<void> {
  const log = realLog({ level: 'info' });
  const opened = valueOf(await openManager(directory, log));
  const { env, config, credentials, store, options } = opened;
  const { address, apiPort } = config;
  const manager = await startManager({
    ...options,
    drivers: driversOf([benchDriver]),
    readXml: () => Promise.resolve(noXml()),
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
