import type { RequestListener } from 'node:http';
import type { Server } from 'node:https';
import type { Env } from '../../env/env.ts';
import type { NetworkAddress } from '../../env/network.ts';
import type { CredentialSource } from '../../pki/credentials.ts';
import type { ClusterService } from '../cluster-service.ts';
import { serveConsoles } from './console-upgrade.ts';
import { listenOnAddress, listenOnPath, tlsServer } from './listeners.ts';

export interface ApiServerOptions {
  readonly env: Pick<Env, 'clock' | 'timers' | 'log'>;
  readonly service: ClusterService;
  /** Of this manager; asked for every connection. */
  readonly credentials: CredentialSource;
  /** Port 0 takes a free one. */
  readonly listen: NetworkAddress | null;
  /** Path of a unix socket that speaks the same, with the same TLS. */
  readonly unixSocket: string | null;
}

export interface ApiServer {
  /** Where it listens; null when only on the unix socket. */
  readonly address: NetworkAddress | null;
  /** Ends streams, lets running requests finish for a short while, then closes. */
  close(): Promise<void>;
}

/** Running requests get this long to finish when the server closes. */
const graceMs = 2000;

/** Serves the HTTP interface. Throws `KennelError` when an address or path cannot be had. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { env, service, credentials } = options;
  const closing = new AbortController();
  const servers: Server[] = [];
  const makeServer = (handler: RequestListener): Server => {
    // One server per address; the first is the one that the application calls its own.
    const first = tlsServer(handler, credentials, env.log);
    servers.push(first, tlsServer(handler, credentials, env.log));
    return first;
  };
  const { buildApp } = await import('./app.ts');
  const context = { env, service, closing: closing.signal };
  const app = await buildApp(context, credentials, makeServer);
  for (const server of servers) serveConsoles(server, context, credentials);
  const close = async (): Promise<void> => {
    closing.abort();
    await closeServers(servers, env);
    await app.close();
  };
  const [overTcp, overUnix] = servers;
  try {
    let address: NetworkAddress | null = null;
    if (options.listen !== null && overTcp !== undefined) {
      address = await listenOnAddress(overTcp, options.listen);
    }
    if (options.unixSocket !== null && overUnix !== undefined) {
      await listenOnPath(overUnix, options.unixSocket);
    }
    return { address, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function closeServers(
  servers: readonly Server[],
  env: ApiServerOptions['env'],
): Promise<void> {
  const open = servers.filter((server) => server.listening);
  const timer = env.timers.after(graceMs, () => {
    for (const server of open) server.closeAllConnections();
  });
  await Promise.all(
    open.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeIdleConnections();
        }),
    ),
  );
  timer.cancel();
}
