import { KennelError } from '../../errors/kennel-error.ts';
import type { CredentialSource } from '../../pki/credentials.ts';
import type { Log } from '../log.ts';
import type { Network } from '../network.ts';
import { dialSession } from './session-dialer.ts';
import { listenForSessions } from './session-listener.ts';
import { sessionLimits, type SessionLimits } from './session-protocol.ts';

/**
 * Sessions over HTTP/2 with mutual TLS 1.3. `credentials` is asked for every connection, so
 * renewed certificates are used without a restart; established channels live on.
 */
export function realNetwork(
  credentials: CredentialSource,
  options: { readonly log: Log; readonly limits?: SessionLimits },
): Network {
  const { log, limits = sessionLimits } = options;
  return {
    listen: (address, accept) => listenForSessions({ address, accept, credentials, limits, log }),
    connect: async (address, connect) => dialSession(address, connect, credentials(), limits),
  };
}

/** The network of a process that has no certificate: it reaches nobody and says why. */
export function networkWithoutCredentials(): Network {
  return {
    listen: () =>
      Promise.reject(
        new KennelError({
          code: 'E_CERTIFICATE',
          what: 'cannot accept sessions',
          because: 'this process was started without credentials',
          so: 'nobody can connect to it',
          try: ['give the file with its credentials'],
        }),
      ),
    connect: async () => ({
      kind: 'failed',
      because: 'identity',
      detail: 'this process was started without credentials',
    }),
  };
}
