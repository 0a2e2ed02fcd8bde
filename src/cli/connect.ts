import { openClient } from '../client/client.ts';
import type { Client } from '../client/client.ts';
import type { Targets } from '../client/route.ts';
import type { Target } from '../client/target.ts';
import { ok } from '../core/problem.ts';
import type { Outcome } from '../core/problem.ts';
import { findClientConfig } from './client-config.ts';
import type { ClientConfig } from './client-config.ts';
import { loadClientCredentials } from './client-credentials.ts';
import { parseHostPort } from '../api/schema/host-port.ts';
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
  const targets = targetsOf(found.value.config);
  return ok(openClient({ targets, credentials: credentials.value }));
}

function targetsOf(config: ClientConfig): Targets {
  if ('unixSockets' in config) {
    const [first, ...rest] = config.unixSockets;
    return [{ unixSocket: first }, ...rest.map((unixSocket) => ({ unixSocket }))];
  }
  const [first, ...rest] = config.addresses;
  return [addressed(first), ...rest.map(addressed)];
}

function addressed(address: string): Target {
  const parsed = parseHostPort(address);
  if (parsed.kind === 'ok') return { host: parsed.host, port: parsed.port };
  throw new Error('the address was checked when the configuration was read');
}
