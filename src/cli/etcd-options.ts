import { resolve } from 'node:path';
import type { Call } from './command.ts';
import { repeatedText, text } from './option.ts';
import type { EtcdStoreOptions, StoreChoice } from './start-functions.ts';
import { usageError } from './usage.ts';

const file = { completes: { kind: 'file' } } as const;

/** The options of every verb that can name an etcd. */
export const etcdOptions = {
  etcdEndpoint: repeatedText('--etcd-endpoint <url>', 'client URL of an etcd member'),
  etcdCa: text('--etcd-ca <path>', 'certificate authority of etcd', file),
  etcdCert: text('--etcd-cert <path>', 'certificate to show to etcd', file),
  etcdKey: text('--etcd-key <path>', 'key of that certificate', file),
  etcdServerName: text('--etcd-server-name <name>', 'name in the certificates of etcd'),
  etcdUser: text('--etcd-user <user>', 'user of etcd'),
  etcdPasswordFile: text('--etcd-password-file <path>', 'file with its password', file),
};

/** Values of `etcdOptions`. */
export interface EtcdOptions {
  readonly etcdEndpoint: readonly string[];
  readonly etcdCa: string | null;
  readonly etcdCert: string | null;
  readonly etcdKey: string | null;
  readonly etcdServerName: string | null;
  readonly etcdUser: string | null;
  readonly etcdPasswordFile: string | null;
}

/** The store that was chosen. E_USAGE when options of one store are given for another. */
export function storeOf(call: Call, store: StoreChoice['kind'], options: EtcdOptions): StoreChoice {
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
  if (store === 'etcd' && endpoints.length > 0) return { kind: store, endpoints, ...set };
  if (store !== 'etcd' && endpoints.length === 0 && Object.keys(set).length === 0) {
    return { kind: store };
  }
  throw usageError({
    what: 'the store and its options do not fit together',
    because:
      store === 'etcd'
        ? 'etcd needs an --etcd-endpoint'
        : 'options of etcd are given for another store',
    try: ['… etcd --etcd-endpoint https://HOST:2379'],
  });
}
