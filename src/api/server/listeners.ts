import { chmod, lstat, unlink } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect } from 'node:net';
import { KennelError } from '../../errors/kennel-error.ts';
import type { Log } from '../../env/log.ts';
import type { NetworkAddress } from '../../env/network.ts';
import type { CredentialSource } from '../../pki/credentials.ts';
import { followCredentials, secureContextOptions } from '../../pki/tls.ts';

/** A TLS server that asks for a certificate; whether it is good enough is decided per route. */
export function tlsServer(
  handler: RequestListener,
  credentials: CredentialSource,
  log: Log,
): Server {
  const server = createServer(
    {
      ...secureContextOptions(credentials()),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: 10_000,
      headersTimeout: 15_000,
      requestTimeout: 60_000,
      // Longer than clients keep idle connections, so that none is closed under a request.
      keepAliveTimeout: 75_000,
    },
    handler,
  );
  followCredentials(server, credentials, log);
  server.on('tlsClientError', (error: Error) => log.debug({ err: error }, 'a handshake failed'));
  return server;
}

/** Throws `KennelError` E_PREREQUISITE when the address cannot be had. */
export async function listenOnAddress(
  server: Server,
  address: NetworkAddress,
): Promise<NetworkAddress> {
  try {
    await listen(server, { host: address.host, port: address.port });
  } catch (error) {
    throw cannotListen(`${address.host}:${address.port}`, error);
  }
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { host: address.host, port };
}

/**
 * Listens on a unix socket that only its owner may open. The file that a dead process left behind
 * is replaced. Throws `KennelError` E_PREREQUISITE when the path cannot be had.
 */
export async function listenOnPath(server: Server, path: string): Promise<void> {
  try {
    await listen(server, { path }).catch(async (error: unknown) => {
      if (codeOf(error) !== 'EADDRINUSE' || !(await isLeftOver(path))) throw error;
      await unlink(path);
      await listen(server, { path });
    });
    // Not a matter of safety: whoever connects still needs an administrator's certificate.
    await chmod(path, 0o600);
  } catch (error) {
    throw cannotListen(path, error);
  }
}

function listen(
  server: Server,
  where: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** True only when it is certain that this is a socket and nobody listens on it any more. */
async function isLeftOver(path: string): Promise<boolean> {
  // Connecting to a plain file is refused in the same way.
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  });
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

function cannotListen(where: string, error: unknown): KennelError {
  return new KennelError(
    {
      code: 'E_PREREQUISITE',
      what: `cannot listen on ${where}`,
      because: error instanceof Error ? error.message : String(error),
      so: 'the interface of the manager is not served there',
      try: ['see which process uses it: ss -ltnxp', 'give another address or path'],
    },
    { cause: error },
  );
}
