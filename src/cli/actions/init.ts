import { resolve } from 'node:path';
import { valueOf } from '../action.ts';
import type { Call } from '../command.ts';
import type { EtcdStoreOptions, InitClusterOptions, StoreChoice } from '../start-functions.ts';
import { print } from '../output.ts';
import { usageError } from '../usage.ts';

interface InitOptions {
  readonly directory: string;
  readonly name: string;
  readonly address: string;
  readonly apiPort: number;
  readonly sessionPort: number;
  readonly profile: InitClusterOptions['profile'];
  readonly store: StoreChoice['kind'];
  readonly etcdEndpoint: readonly string[];
  readonly etcdCa: string | null;
  readonly etcdCert: string | null;
  readonly etcdKey: string | null;
  readonly etcdServerName: string | null;
  readonly etcdUser: string | null;
  readonly etcdPasswordFile: string | null;
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
      store: storeOf(call, options),
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

/** E_USAGE when options of one store are given for another. */
function storeOf(call: Call, options: InitOptions): StoreChoice {
  const path = (given: string | null): string | undefined =>
    given === null ? undefined : resolve(call.world.workingDirectory, given);
  const given = {
    ca: path(options.etcdCa),
    certificate: path(options.etcdCert),
    key: path(options.etcdKey),
    serverName: options.etcdServerName ?? undefined,
    user: options.etcdUser ?? undefined,
    passwordFile: path(options.etcdPasswordFile),
  };
  const set = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Omit<EtcdStoreOptions, 'endpoints'>;
  const endpoints = options.etcdEndpoint;
  const { store } = options;
  if (store === 'etcd' && endpoints.length > 0) return { kind: store, endpoints, ...set };
  if (store !== 'etcd' && endpoints.length === 0 && Object.keys(set).length === 0) {
    return { kind: store };
  }
  throw usageError({
    what: 'the store and its options do not fit together',
    because:
      options.store === 'etcd'
        ? '--store etcd needs an --etcd-endpoint'
        : 'options of etcd are given without --store etcd',
    try: ['--store etcd --etcd-endpoint https://HOST:2379'],
  });
}
