import { realClock } from '../env/real/clock.ts';
import type { Credentials } from '../pki/credentials.ts';
import { peerOfSocket, secureContextOptions } from '../pki/tls.ts';
import { Route, type Opener, type Targets } from './route.ts';
import { openVerifiedSocket } from './verified-socket.ts';

/** A cluster as a client reaches it. */
export interface Connection {
  readonly targets: Targets;
  readonly credentials: Credentials;
}

/** The way to the managers of our cluster; anybody else at those addresses is a refusal. */
export function routeTo({ targets, credentials }: Connection, waitsForLeader?: boolean): Route {
  const open: Opener = (target, signal) => {
    const nowIso = realClock().wallIso();
    return openVerifiedSocket(target, {
      context: secureContextOptions(credentials),
      verify: (socket) => peerOfSocket(socket, credentials, { nowIso, role: 'manager' }),
      signal,
    });
  };
  return new Route(targets, open, waitsForLeader);
}
