import type { CredentialSource } from '../../pki/credentials.ts';
import type { Env } from '../env.ts';
import type { Log } from '../log.ts';
import { realClock } from './clock.ts';
import { realDisk } from './disk.ts';
import { realHttps } from './https.ts';
import { networkWithoutCredentials, realNetwork } from './network.ts';
import { realProcesses } from './processes.ts';
import { realRandom } from './random.ts';
import { realReach } from './reach.ts';
import { realTimers } from './timers.ts';

/**
 * The world as it is. Without credentials (before a node has joined, or for local commands) the
 * network reaches nobody.
 */
export function realEnv(options: {
  readonly log: Log;
  readonly credentials?: CredentialSource;
}): Env {
  const { log, credentials } = options;
  return {
    clock: realClock(),
    timers: realTimers(),
    random: realRandom(),
    network:
      credentials === undefined ? networkWithoutCredentials() : realNetwork(credentials, { log }),
    https: realHttps(),
    reach: realReach(),
    disk: realDisk(),
    processes: realProcesses(),
    log,
  };
}
