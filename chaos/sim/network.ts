import type { JsonValue, Network, PeerIdentity } from '../../src/env/network.ts';
import { ChannelEnd } from './channel.ts';
import type { ChannelSettings, NetworkCounters, NetworkHost } from './channel-world.ts';
import { Link, lanProfile, localProfile } from './link.ts';
import type { LinkProfile } from './link.ts';
import { NetworkPort } from './network-port.ts';
import type { BoundListener, NetworkPortWorld } from './network-port.ts';
import type { RandomStream } from './random.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimTaps } from './taps.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface SimNetworkOptions extends Partial<ChannelSettings> {
  /** Between any two hosts, until `setProfile` says otherwise. Default `lanProfile`. */
  readonly profile?: LinkProfile;
  readonly taps?: SimTaps;
}

/** The network end of one process on one host. */
export interface NetworkSeat {
  readonly host: string;
  /** Proven by certificate in production, said by the simulation here; never by the process. */
  readonly identity: PeerIdentity;
  readonly process: SimProcess;
}

/**
 * All hosts and the links between them. Hosts are named; an address is a host's name and a port.
 * Each direction of each link has its own profile, its own random stream and its own cut.
 */
export class SimNetwork {
  readonly counters: NetworkCounters = {
    sent: 0,
    delivered: 0,
    held: 0,
    resets: 0,
    timeouts: 0,
    repeated: 0,
    overtaken: 0,
  };
  readonly #time: VirtualTime;
  readonly #random: RandomStream;
  readonly #settings: ChannelSettings;
  readonly #hosts = new Map<string, NetworkHost>();
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Map<string, BoundListener>();
  readonly #world: NetworkPortWorld;
  #profile: LinkProfile;
  #ends: ChannelEnd[] = [];
  #sweepAt = 256;

  constructor(time: VirtualTime, random: RandomStream, options: SimNetworkOptions = {}) {
    this.#time = time;
    this.#random = random;
    this.#profile = options.profile ?? lanProfile;
    this.#settings = {
      isolation: options.isolation ?? 'freeze',
      // Node probes after 10 s, then each second ten times; Linux retransmits for 15 minutes.
      keepAliveMs: options.keepAliveMs ?? 20_000,
      retransmitMs: options.retransmitMs ?? 924_000,
      queueLimit: options.queueLimit ?? 4096,
    };
    const { counters } = this;
    const taps = options.taps ?? {};
    const channels = { time, random, settings: this.#settings, counters, taps };
    this.#world = {
      time,
      host: (name) => this.#host(name),
      link: (from, to) => this.link(from, to),
      listeners: this.#listeners,
      newEnd: (side) => {
        const end = new ChannelEnd(channels, side);
        this.#ends.push(end);
        this.#sweep();
        return end;
      },
    };
  }

  /** Makes a host known; it is up. Does nothing when it is known already. */
  addHost(name: string): void {
    this.#host(name);
  }

  /** Hosts known so far, sorted. */
  hosts(): readonly string[] {
    return [...this.#hosts.keys()].sort();
  }

  /** The `Network` port of one process. Its sockets and listeners end with the process. */
  port(seat: NetworkSeat): Network {
    const port = new NetworkPort(this.#world, {
      host: this.#host(seat.host),
      identity: seat.identity,
      process: seat.process,
    });
    seat.process.onDeath((cause) => {
      port.release();
      if (cause === 'powerLoss') return;
      for (const end of this.#ends) if (end.process === seat.process) end.kernelCloses();
    });
    return port;
  }

  /** One direction between two hosts. */
  link(from: string, to: string): Link {
    const key = `${from}>${to}`;
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const link = new Link(from, to, {
      label: this.#time.label(key),
      random: this.#random.split(key),
      profile: from === to ? localProfile : this.#profile,
    });
    this.#links.set(key, link);
    return link;
  }

  /** Changes one direction, for what is sent from now on. */
  setProfile(from: string, to: string, profile: LinkProfile): void {
    this.link(from, to).profile = profile;
  }

  /** Changes every link between different hosts, present and future. */
  setEveryProfile(profile: LinkProfile): void {
    this.#profile = profile;
    for (const link of this.#links.values()) if (link.from !== link.to) link.profile = profile;
  }

  /** One-way cut: nothing of `from` reaches `to`. */
  cut(from: string, to: string): void {
    if (from === to || !this.link(from, to).setCut(this.#time.nowMs)) return;
    for (const end of this.#ends) {
      if (end.joins(from, to)) end.watch();
    }
  }

  /** Ends a one-way cut. What waited in TCP comes through, late. */
  heal(from: string, to: string): void {
    const link = this.link(from, to);
    const noticedMs = link.heal(this.#time.nowMs);
    if (noticedMs === null) return;
    for (const end of this.#ends) if (end.link === link) end.release(noticedMs);
  }

  cutBoth(a: string, b: string): void {
    this.cut(a, b);
    this.cut(b, a);
  }

  healBoth(a: string, b: string): void {
    this.heal(a, b);
    this.heal(b, a);
  }

  /** Cuts a host off from every other host known so far. */
  isolate(host: string): void {
    for (const other of this.#hosts.keys()) if (other !== host) this.cutBoth(host, other);
  }

  /** Cuts every link between hosts of different groups; hosts in no group are left alone. */
  partition(groups: readonly (readonly string[])[]): void {
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1).flat()) {
        for (const host of group) this.cutBoth(host, other);
      }
    }
  }

  /** Ends every cut. */
  healAll(): void {
    for (const link of this.#links.values()) this.heal(link.from, link.to);
  }

  /**
   * Sends a message once more, on the connection that `from` has with `to` now, as a middlebox that
   * replays would. False when there is no such connection.
   */
  replay(from: string, to: string, message: JsonValue): boolean {
    const end = this.#ends.findLast(
      (each) => !each.over && each.host.name === from && each.link.to === to,
    );
    end?.inject(message);
    return end !== undefined;
  }

  /** True when a packet and its answer can pass and the host runs. For simulated programs. */
  reachable(from: string, to: string): boolean {
    const host = this.#host(to);
    return host.power === 'up' && !this.link(from, to).cut && !this.link(to, from).cut;
  }

  /** One datagram there and one back: ms, or null when either is lost. For simulated programs. */
  roundTripMs(from: string, to: string): number | null {
    if (this.#host(to).power !== 'up') return null;
    const thereMs = this.link(from, to).datagramMs();
    const backMs = this.link(to, from).datagramMs();
    return thereMs === null || backMs === null ? null : thereMs + backMs;
  }

  /** The host loses power: its connections are gone, and nobody is told. */
  powerLoss(name: string): void {
    const host = this.#host(name);
    if (host.power === 'down') return;
    host.power = 'down';
    host.boot += 1;
    for (const end of this.#ends) {
      if (!end.faces(host)) continue;
      end.watch();
      // What lay in a frozen host's memory is gone with it; the rest is sent again, to nobody.
      end.release(0);
    }
  }

  /** The host has power and a kernel again; packets of old connections are answered by resets. */
  powerUp(name: string): void {
    const host = this.#host(name);
    if (host.power === 'down') host.power = 'up';
  }

  /** The host stands still: what is sent to it waits. */
  freeze(name: string): void {
    const host = this.#host(name);
    if (host.power !== 'up') return;
    host.power = 'frozen';
    host.freezes += 1;
    for (const end of this.#ends) if (end.faces(host)) end.watch();
  }

  thaw(name: string): void {
    const host = this.#host(name);
    if (host.power !== 'frozen') return;
    host.power = 'up';
    for (const end of this.#ends) {
      if (end.faces(host)) end.release(0);
      else if (end.host === host) end.watch();
    }
  }

  #host(name: string): NetworkHost {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const host: NetworkHost = { name, power: 'up', boot: 1, freezes: 0 };
    this.#hosts.set(name, host);
    return host;
  }

  /** Forgets ends that nothing can come out of any more, each time their number has doubled. */
  #sweep(): void {
    if (this.#ends.length < this.#sweepAt) return;
    this.#ends = this.#ends.filter((end) => !end.finished);
    this.#sweepAt = Math.max(256, this.#ends.length * 2);
  }
}
