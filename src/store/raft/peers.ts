import type { Env, Timer } from '../../env/env.ts';
import type { Member } from '../membership.ts';
import type { JsonValue, Listener, MessageChannel, NetworkAddress } from '../../env/network.ts';

export interface Peer {
  /** Raft id. */
  readonly id: number;
  /** Name of the manager, as in its certificate. */
  readonly name: string;
  /** Where its store listens for the other members. */
  readonly address: NetworkAddress;
}

export interface PeersOptions {
  readonly env: Pick<Env, 'network' | 'timers' | 'random' | 'log'>;
  readonly self: { readonly id: number; readonly name: string };
  readonly clusterId: string;
  /** A message of a member; `from` is the id that its certificate may speak for. */
  readonly onMessage: (from: number, message: JsonValue) => void;
  /** A channel to it opened or closed. */
  readonly onChange: (id: number, isConnected: boolean) => void;
}

interface Link {
  readonly peer: Peer;
  channel: MessageChannel | null;
  dialing: AbortController | null;
  retry: Timer | null;
  failures: number;
}

const connectTimeoutMs = 2_000;
const retryMs = { first: 100, most: 2_000 };

/**
 * The connections between the members of one store, over the managers' mutual TLS. Each member dials
 * every other; what is for a peer goes over the channel that was dialled here, or over the one that
 * the peer dialled, whichever is open. A message that finds none is lost: consensus sends again.
 */
export class Peers {
  readonly #options: PeersOptions;
  readonly #links = new Map<number, Link>();
  /** Channels that peers dialled, by the id in their hello. */
  readonly #accepted = new Map<number, MessageChannel>();
  readonly #open = new Set<MessageChannel>();
  #listener: Listener | null = null;
  #closed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Rejects when the address cannot be listened on. */
  async listen(address: NetworkAddress): Promise<void> {
    this.#listener = await this.#options.env.network.listen(address, (channel) => {
      this.#accept(channel);
    });
  }

  /** Dials whoever is new, lets go of whoever is not named. */
  set(peers: readonly Peer[]): void {
    const wanted = new Map(peers.map((peer) => [peer.id, peer]));
    wanted.delete(this.#options.self.id);
    for (const [id, link] of this.#links) {
      const peer = wanted.get(id);
      const isSame =
        peer !== undefined &&
        peer.name === link.peer.name &&
        peer.address.host === link.peer.address.host &&
        peer.address.port === link.peer.address.port;
      if (isSame) wanted.delete(id);
      else this.#drop(link, 'it is no member any more');
    }
    for (const peer of wanted.values()) {
      const link: Link = { peer, channel: null, dialing: null, retry: null, failures: 0 };
      this.#links.set(peer.id, link);
      void this.#dial(link);
    }
  }

  /** False when there is no open channel; true promises nothing either. */
  send(to: number, message: JsonValue): boolean {
    const channel = this.#links.get(to)?.channel ?? this.#accepted.get(to);
    if (channel === undefined) return false;
    channel.send(message);
    return true;
  }

  isConnected(id: number): boolean {
    return (this.#links.get(id)?.channel ?? this.#accepted.get(id)) !== undefined;
  }

  async close(reason: string): Promise<void> {
    this.#closed = true;
    for (const link of this.#links.values()) this.#drop(link, reason);
    for (const channel of this.#open) channel.close(reason);
    await this.#listener?.close();
  }

  async #dial(link: Link): Promise<void> {
    if (this.#closed || this.#links.get(link.peer.id) !== link) return;
    const { network } = this.#options.env;
    link.dialing = new AbortController();
    const result = await network.connect(link.peer.address, {
      expectRole: 'manager',
      timeoutMs: connectTimeoutMs,
      signal: link.dialing.signal,
    });
    link.dialing = null;
    if (result.kind === 'failed') {
      this.#redial(link, result.detail);
      return;
    }
    const { channel } = result;
    if (this.#closed || this.#links.get(link.peer.id) !== link) {
      channel.close('no longer wanted');
      return;
    }
    if (!this.#belongs(channel, link.peer)) {
      channel.close('another member was expected here');
      this.#redial(link, `${channel.peer.name} answered for ${link.peer.name}`);
      return;
    }
    this.#opened(link, channel);
  }

  #belongs(channel: MessageChannel, peer: Peer): boolean {
    const { clusterId, role, name } = channel.peer;
    return clusterId === this.#options.clusterId && role === 'manager' && name === peer.name;
  }

  #opened(link: Link, channel: MessageChannel): void {
    const { self, onMessage, onChange } = this.#options;
    link.channel = channel;
    link.failures = 0;
    this.#open.add(channel);
    channel.onMessage((message) => onMessage(link.peer.id, message));
    channel.onClose((reason) => {
      this.#open.delete(channel);
      if (link.channel !== channel) return;
      link.channel = null;
      onChange(link.peer.id, this.isConnected(link.peer.id));
      this.#redial(link, reason);
    });
    channel.send({ kind: helloKind, id: self.id, to: link.peer.id });
    onChange(link.peer.id, true);
  }

  #redial(link: Link, because: string): void {
    if (this.#closed || this.#links.get(link.peer.id) !== link) return;
    const { env } = this.#options;
    if (link.failures === 0) env.log.debug({ peer: link.peer.name, because }, 'no way to a member');
    link.failures += 1;
    const delayMs = Math.min(retryMs.most, retryMs.first * 2 ** Math.min(link.failures, 10));
    link.retry = env.timers.after(delayMs * (0.5 + env.random.fraction() / 2), () => {
      link.retry = null;
      void this.#dial(link);
    });
  }

  #drop(link: Link, reason: string): void {
    this.#links.delete(link.peer.id);
    link.dialing?.abort();
    link.retry?.cancel();
    link.channel?.close(reason);
  }

  #accept(channel: MessageChannel): void {
    const { clusterId, onMessage, onChange } = this.#options;
    if (this.#closed || channel.peer.role !== 'manager' || channel.peer.clusterId !== clusterId) {
      channel.close('only managers of this cluster speak here');
      return;
    }
    let id: number | null = null;
    this.#open.add(channel);
    channel.onMessage((message) => {
      if (id !== null) {
        onMessage(id, message);
        return;
      }
      id = this.#introduced(channel, message);
      if (id === null) {
        channel.close('the first message is not from that member to this one');
        return;
      }
      this.#accepted.get(id)?.close('replaced by a newer connection');
      this.#accepted.set(id, channel);
      onChange(id, true);
    });
    channel.onClose(() => {
      this.#open.delete(channel);
      if (id === null || this.#accepted.get(id) !== channel) return;
      this.#accepted.delete(id);
      onChange(id, this.isConnected(id));
    });
  }

  /**
   * The id in a hello. Who is known by that id must have the name of the certificate; an unknown id
   * passes, because a member that joins or comes back late does not know the others yet. What is for
   * another id is for a store that was here before: a restored one has a number of its own.
   */
  #introduced(channel: MessageChannel, message: JsonValue): number | null {
    if (!isHello(message)) return null;
    const { id, to } = message as { readonly id?: JsonValue; readonly to?: JsonValue };
    if (to !== this.#options.self.id) return null;
    if (typeof id !== 'number' || !Number.isSafeInteger(id)) return null;
    const known = this.#links.get(id)?.peer;
    return known === undefined || known.name === channel.peer.name ? id : null;
  }
}

const helloKind = 'memberHello';

/** The first message between members of a store; nobody else begins like that. */
export function isHello(message: JsonValue): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    message['kind'] === helloKind
  );
}

/** How a member is dialled. */
export function peerOf({ number, name, address }: Member): Peer {
  const at = address.lastIndexOf(':');
  return {
    id: number,
    name,
    address: { host: address.slice(0, at), port: Number(address.slice(at + 1)) },
  };
}
