import type { MessageIsolation } from './message-isolation.ts';
import type { RandomStream } from './random.ts';
import type { SimTaps } from './taps.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What the network knows of a host. `boot` grows with every loss of power. */
export interface NetworkHost {
  readonly name: string;
  power: 'up' | 'down' | 'frozen';
  boot: number;
  freezes: number;
}

export interface ChannelSettings {
  readonly isolation: MessageIsolation;
  /** TCP keepalive: an end with nothing unacknowledged notices a silent peer after this long. */
  readonly keepAliveMs: number;
  /** TCP retransmission: an end with something unacknowledged tries for this long. */
  readonly retransmitMs: number;
  /** Messages under way in one direction before `send` closes the channel. */
  readonly queueLimit: number;
}

export interface NetworkCounters {
  sent: number;
  delivered: number;
  held: number;
  resets: number;
  timeouts: number;
  /** Messages that a broken middlebox had arrive twice, or before the one ahead of them. */
  repeated: number;
  overtaken: number;
}

/** What every channel of one network shares. */
export interface ChannelWorld {
  readonly time: VirtualTime;
  readonly random: RandomStream;
  readonly settings: ChannelSettings;
  readonly counters: NetworkCounters;
  readonly taps: SimTaps;
}
