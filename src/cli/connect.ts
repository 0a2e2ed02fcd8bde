import { openClient } from '../client/client.ts';
import type { Client } from '../client/client.ts';
import type { Target } from '../client/target.ts';
import { ok } from '../core/problem.ts';
import type { Outcome } from '../core/problem.ts';
import { findClientConfig } from './client-config.ts';
import type { ClientConfig } from './client-config.ts';
import { loadClientCredentials } from './client-credentials.ts';
import { parseHostPort } from './host-port.ts';
import type { World } from './world.ts';

/** A client of the cluster that the client configuration names. Nothing is sent yet. */
export async function connectCluster(
  world: World,
  configFile: string | null,
): Promise<Outcome<Client>> {
  const found = await findClientConfig(world, configFile);
  if (found.kind === 'problem') return found;
  const credentials = await loadClientCredentials(await world.env(), found.value.config);
  if (credentials.kind === 'problem') return credentials;
  const target = targetOf(found.value.config);
  return ok(openClient({ target, credentials: credentials.value }));
}

function targetOf(config: ClientConfig): Target {
  if ('unixSocket' in config) return { unixSocket: config.unixSocket };
  const parsed = parseHostPort(config.address);
  if (parsed.kind === 'ok') return { host: parsed.host, port: parsed.port };
  throw new Error('the address was checked when the configuration was read');
}
