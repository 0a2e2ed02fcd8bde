import { ok, type Outcome } from '../../core/problem.ts';
import type { Disk } from '../../env/disk.ts';
import type { EtcdEndpoint, EtcdSettings } from '../../store/etcd/settings.ts';
import { readText } from './service-config.ts';
import type { EtcdConfig } from './store-config.ts';

const maker = 'the administrator of etcd';

/** Reads the files that the configuration names. E_DATA_DIRECTORY when one cannot be read. */
export async function readEtcdSettings(
  disk: Disk,
  config: EtcdConfig,
): Promise<Outcome<EtcdSettings>> {
  const read = (path: string | undefined): Promise<Outcome<string | null>> =>
    path === undefined ? Promise.resolve(ok(null)) : readText(disk, path, maker);
  const ca = await read(config.ca);
  if (ca.kind === 'problem') return ca;
  const certificate = await read(config.certificate);
  if (certificate.kind === 'problem') return certificate;
  const key = await read(config.key);
  if (key.kind === 'problem') return key;
  const password = await read(config.passwordFile);
  if (password.kind === 'problem') return password;
  const client =
    certificate.value === null || key.value === null
      ? null
      : { certificate: certificate.value, key: key.value };
  const isSecure = config.endpoints[0]?.startsWith('https:') ?? false;
  return ok({
    endpoints: config.endpoints.map(endpointOf),
    tls: isSecure ? { ca: ca.value, client, serverName: config.serverName ?? null } : null,
    user:
      config.user === undefined || password.value === null
        ? null
        : { name: config.user, password: password.value.replace(/\r?\n$/, '') },
  });
}

function endpointOf(text: string): EtcdEndpoint {
  const { hostname, port, protocol } = new URL(text);
  const usual = protocol === 'https:' ? 443 : 80;
  return {
    host: hostname.replaceAll(/^\[|\]$/g, ''),
    port: port === '' ? usual : Number(port),
  };
}
