import type {
  ConnectResult,
  Listener,
  MessageChannel,
  Network,
  NetworkAddress,
  PeerIdentity,
} from '../../src/env/network.ts';
import { ChannelEnd } from './channel.ts';
import type { NetworkHost } from './channel-world.ts';
import type { Link } from './link.ts';
import type { SimProcess } from './sim-process.ts';
import type { VirtualTime, VirtualTimer } from './virtual-time.ts';

type ConnectOptions = Parameters<Network['connect']>[1];

interface Seat {
  readonly host: NetworkHost;
  readonly identity: PeerIdentity;
  readonly process: SimProcess;
}

export interface BoundListener {
  readonly seat: Seat;
  /** Server ends it has accepted. */
  readonly channels: Set<ChannelEnd>;
  readonly accept: (channel: MessageChannel) => void;
}

export interface NetworkPortWorld {
  readonly time: VirtualTime;
  readonly host: (name: string) => NetworkHost;
  readonly link: (from: string, to: string) => Link;
  /** By `host:port`, over all hosts. */
  readonly listeners: Map<string, BoundListener>;
  readonly newEnd: (side: {
    readonly peer: PeerIdentity;
    readonly host: NetworkHost;
    readonly link: Link;
    readonly process: SimProcess;
    readonly onOpen: (() => void) | null;
  }) => ChannelEnd;
}

/** First wait for an answer to a connection request, ms, as in TCP; doubles with each repeat. */
const firstRequestTimeoutMs = 1000;
const firstFreePort = 32_768;
const ownNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0', '::']);

/** `Network` for one process: everything it opened ends with it. */
export class NetworkPort implements Network {
  readonly #world: NetworkPortWorld;
  readonly #seat: Seat;
  readonly #bound = new Set<string>();
  #nextPort = firstFreePort;

  constructor(world: NetworkPortWorld, seat: Seat) {
    this.#world = world;
    this.#seat = seat;
  }

  /** Binds in the name of this host, whatever host the address names. Port 0 takes a free one. */
  listen(address: NetworkAddress, accept: (channel: MessageChannel) => void): Promise<Listener> {
    return this.#seat.process.call(async () => {
      const bound = {
        host: address.host,
        port: address.port === 0 ? this.#freePort() : address.port,
      };
      const key = this.#key(bound.port);
      if (this.#world.listeners.has(key)) throw new Error(`address in use: ${key}`);
      this.#world.listeners.set(key, { seat: this.#seat, channels: new Set(), accept });
      this.#bound.add(key);
      return { address: bound, close: () => this.#unbind(key) };
    });
  }

  connect(address: NetworkAddress, options: ConnectOptions): Promise<ConnectResult> {
    return new Promise((resolve) => {
      this.#seat.process.effect(() => {
        const host = ownNames.has(address.host) ? this.#seat.host.name : address.host;
        const target = { host: this.#world.host(host), key: `${host}:${address.port}` };
        new ConnectAttempt(this.#world, this.#seat, target, options, resolve).begin();
      });
    });
  }

  /** The process is gone: its ports are free. */
  release(): void {
    for (const key of this.#bound) this.#world.listeners.delete(key);
    this.#bound.clear();
  }

  #unbind(key: string): Promise<void> {
    return this.#seat.process.call(async () => {
      const channels = this.#world.listeners.get(key)?.channels ?? [];
      if (!this.#bound.delete(key)) return;
      this.#world.listeners.delete(key);
      for (const channel of channels) channel.close('the listener was closed');
    });
  }

  #key(port: number): string {
    return `${this.#seat.host.name}:${port}`;
  }

  #freePort(): number {
    while (this.#world.listeners.has(this.#key(this.#nextPort))) this.#nextPort += 1;
    return this.#nextPort;
  }
}

/**
 * One connect: a request repeated as TCP does, an answer, one more round trip for the handshake of
 * TLS, and only then an end on each side. A dead or cut host is silence until the deadline.
 */
class ConnectAttempt {
  readonly #world: NetworkPortWorld;
  readonly #seat: Seat;
  readonly #target: { readonly host: NetworkHost; readonly key: string };
  readonly #options: ConnectOptions;
  readonly #resolve: (result: ConnectResult) => void;
  readonly #there: Link;
  readonly #back: Link;
  #deadline: VirtualTimer | null = null;
  #clientEnd: ChannelEnd | null = null;
  /** The request arrived and the handshake is under way. */
  #answered = false;
  #done = false;

  constructor(
    world: NetworkPortWorld,
    seat: Seat,
    target: { readonly host: NetworkHost; readonly key: string },
    options: ConnectOptions,
    resolve: (result: ConnectResult) => void,
  ) {
    this.#world = world;
    this.#seat = seat;
    this.#target = target;
    this.#options = options;
    this.#resolve = resolve;
    this.#there = world.link(seat.host.name, target.host.name);
    this.#back = world.link(target.host.name, seat.host.name);
  }

  begin(): void {
    const { signal, timeoutMs } = this.#options;
    if (signal?.aborted === true) {
      this.#fail('aborted', 'aborted before it began');
      return;
    }
    signal?.addEventListener('abort', this.#abort, { once: true });
    this.#deadline = this.#world.time.schedule(
      timeoutMs,
      () => this.#fail('unreachable', `no answer within ${timeoutMs} ms`),
      this.#there.label,
    );
    this.#request(firstRequestTimeoutMs);
  }

  readonly #abort = (): void => this.#fail('aborted', 'aborted');

  #request(repeatAfterMs: number): void {
    if (this.#done || this.#seat.process.dead) return;
    if (!this.#answered) this.#travel(this.#there, () => this.#arrive());
    this.#world.time.schedule(
      repeatAfterMs,
      () => this.#request(repeatAfterMs * 2),
      this.#there.label,
    );
  }

  #arrive(): void {
    if (this.#done || this.#answered || this.#target.host.power !== 'up') return;
    const listener = this.#world.listeners.get(this.#target.key);
    if (listener === undefined) {
      this.#travel(this.#back, () => this.#fail('unreachable', 'connection refused'));
      return;
    }
    this.#answered = true;
    this.#travel(this.#back, () =>
      this.#travel(this.#there, () => listener.seat.process.enter(() => this.#accept(listener))),
    );
  }

  /** Runs `then` when one packet has arrived; a lost packet is the end of this try. */
  #travel(link: Link, then: () => void): void {
    const delayMs = link.datagramMs();
    if (delayMs === null) {
      this.#answered = false;
      return;
    }
    const arrive = (): void => {
      if (link.cut) this.#answered = false;
      else then();
    };
    this.#world.time.schedule(delayMs, arrive, link.label);
  }

  #accept(listener: BoundListener): void {
    if (this.#done || this.#seat.process.dead) return;
    if (this.#world.listeners.get(this.#target.key) !== listener) return;
    const problem = identityProblem(this.#seat.identity, listener.seat.identity, this.#options);
    if (problem !== null) {
      this.#travel(this.#back, () => this.#fail('identity', problem));
      return;
    }
    const client = this.#world.newEnd({
      peer: listener.seat.identity,
      host: this.#seat.host,
      link: this.#there,
      process: this.#seat.process,
      onOpen: () => this.#opened(),
    });
    const server = this.#world.newEnd({
      peer: this.#seat.identity,
      host: listener.seat.host,
      link: this.#back,
      process: listener.seat.process,
      onOpen: null,
    });
    ChannelEnd.join(client, server);
    this.#clientEnd = client;
    for (const end of listener.channels) if (end.over) listener.channels.delete(end);
    listener.channels.add(server);
    server.sendOpen();
    listener.accept(server);
  }

  #opened(): void {
    const channel = this.#clientEnd;
    if (channel !== null) this.#finish({ kind: 'connected', channel });
  }

  #fail(because: 'unreachable' | 'identity' | 'aborted', detail: string): void {
    if (this.#done) return;
    this.#clientEnd?.abandon();
    this.#finish({ kind: 'failed', because, detail });
  }

  #finish(result: ConnectResult): void {
    if (this.#done) return;
    this.#done = true;
    this.#deadline?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#seat.process.enter(() => this.#resolve(result));
  }
}

function identityProblem(
  client: PeerIdentity,
  server: PeerIdentity,
  options: ConnectOptions,
): string | null {
  if (client.clusterId !== server.clusterId) return 'certificate of another cluster';
  if (server.role === options.expectRole) return null;
  return `certificate of role ${server.role}, expected ${options.expectRole}`;
}
