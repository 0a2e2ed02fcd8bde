import type { Env } from '../../src/env/env.ts';
import type { PeerIdentity } from '../../src/env/network.ts';
import { textHash32 } from './hash-chain.ts';
import { LogRing } from './log.ts';
import type { LinkProfile } from './link.ts';
import type { MessageIsolation } from './message-isolation.ts';
import { SimNetwork } from './network.ts';
import { randomFromSeed } from './random.ts';
import type { RandomStream } from './random.ts';
import type { SimHost } from './sim-host.ts';
import type { SimTaps } from './taps.ts';
import { VirtualTime } from './virtual-time.ts';
import { worldEnv } from './world-env.ts';
import { WriteLog } from './write-log.ts';

/** What every part of one simulated cluster shares. */
export interface ClusterWorld {
  readonly seed: number | string;
  readonly clusterId: string;
  readonly time: VirtualTime;
  readonly random: RandomStream;
  readonly network: SimNetwork;
  readonly log: LogRing;
  readonly writes: WriteLog;
  /** Clock and timers that no process owns. */
  readonly env: Pick<Env, 'clock' | 'timers'>;
  readonly taps: SimTaps;
  /** The virtualisation host at each address. */
  readonly hypervisors: Map<string, SimHost>;
}

export interface ClusterWorldOptions {
  readonly seed: number | string;
  /** Fail the run on real I/O. Default true. */
  readonly guard?: boolean;
  /** Default `freeze`. */
  readonly isolation?: MessageIsolation;
  readonly profile?: LinkProfile;
  /** Oracles that look on. */
  readonly taps?: SimTaps;
}

export function makeClusterWorld(options: ClusterWorldOptions): ClusterWorld {
  const random = randomFromSeed(options.seed);
  const time = new VirtualTime({ guard: options.guard ?? true });
  const taps = options.taps ?? {};
  return {
    seed: options.seed,
    clusterId: random.split('cluster id').uuid(),
    time,
    random,
    network: new SimNetwork(time, random.split('network'), {
      isolation: options.isolation ?? 'freeze',
      taps,
      ...(options.profile === undefined ? {} : { profile: options.profile }),
    }),
    log: new LogRing(time),
    writes: new WriteLog(),
    env: worldEnv(time),
    taps,
    hypervisors: new Map(),
  };
}

/** The identity that a host's certificate would prove. */
export function identityOf(
  world: Pick<ClusterWorld, 'clusterId'>,
  role: PeerIdentity['role'],
  name: string,
): PeerIdentity {
  const print = textHash32(`${role} ${name}`).toString(16).padStart(8, '0');
  return { clusterId: world.clusterId, role, name, fingerprint: print.repeat(8) };
}
