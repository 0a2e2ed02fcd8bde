import { resolve } from 'node:path';
import { valueOf } from '../action.ts';
import type { Call } from '../command.ts';
import { storeOf, type EtcdOptions } from '../etcd-options.ts';
import type { InitClusterOptions, StoreChoice } from '../start-functions.ts';
import { print } from '../output.ts';
import { usageError } from '../usage.ts';

interface InitOptions extends EtcdOptions {
  readonly directory: string;
  readonly name: string;
  readonly address: string;
  readonly apiPort: number;
  readonly sessionPort: number;
  readonly profile: InitClusterOptions['profile'];
  readonly store: StoreChoice['kind'];
}

export async function initCluster(call: Call, options: InitOptions): Promise<number> {
  if (options.apiPort === options.sessionPort) {
    throw usageError({
      what: 'people and agents need two ports',
      because: `--api-port and --session-port are both ${options.apiPort}`,
      try: [`--session-port ${options.apiPort === 65_535 ? 7401 : options.apiPort + 1}`],
    });
  }
  const directory = resolve(call.world.workingDirectory, options.directory);
  const start = await call.world.start();
  const made = valueOf(
    await start.initCluster({
      directory,
      clusterName: options.name,
      address: options.address,
      apiPort: options.apiPort,
      sessionPort: options.sessionPort,
      profile: options.profile,
      store: storeOf(call, options.store, options),
    }),
  );
  await print(call, made, () =>
    [
      `cluster ${options.name} made (${made.clusterId}), data in ${directory}`,
      `client configuration for you: ${made.adminConfig}`,
      '',
      'next:',
      `  kennel manager run --directory ${directory}`,
      `  kennel status --config ${made.adminConfig}`,
      `  kennel node token --node NODE --config ${made.adminConfig}`,
    ].join('\n'),
  );
  return 0;
}
