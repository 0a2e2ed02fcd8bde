import { parseHostPort } from '../api/schema/host-port.ts';
import { readPeerMessage } from '../api/schema/frequent-messages.ts';
import {
  maxHeard,
  peerMessageSchema,
  type HeardNode,
  type PeerMessage,
} from '../api/schema/peer.ts';
import { bootId, managerId, nodeId, type ManagerId, type NodeId } from '../core/model/ids.ts';
import type { ManagerRecord } from '../core/model/manager.ts';
import type { ManagerSight, ManagersHeard } from '../core/observations.ts';
import type { Env, Timer } from '../env/env.ts';
import type { JsonValue, MessageChannel } from '../env/network.ts';

/** Interval of pings, and the silence after which a manager does not count as reachable, in ms. */
const pingMs = 1000;
const silentAfterMs = 3500;
const dialTimeoutMs = 2000;
/** Pings without an answer after which a connection is given up. */
const unansweredMax = 4;

/** What a manager last said of itself. */
export interface PeerSight {
  /** Time since its last answer, in ms. */
  readonly ageMs: number;
  readonly revision: number;
  readonly leading: number | null;
}

export interface PeersOptions {
  readonly env: Env;
  readonly self: ManagerId;
  /** Where this manager stands, told with every ping. */
  standing(): Pick<PeerMessage, 'revision' | 'leading'>;
  /** Nodes that it hears, told to whoever leads. */
  heardOf(): readonly HeardNode[];
}

/** Who leads, by its own word. */
export interface KnownLeader {
  readonly name: string;
  readonly epoch: number;
}

/**
 * What the managers tell each other: who answers, who leads, and to the leader which nodes they hear.
 * It is for people, for redirects and for guards; leadership itself is the store's affair.
 */
export class Peers {
  readonly #options: PeersOptions;
  readonly #links = new Map<ManagerId, PeerLink>();
  readonly #accepted = new Set<MessageChannel>();
  readonly #heard = new Map<ManagerId, { readonly atMs: number; readonly message: PeerMessage }>();
  readonly #sights = new Map<ManagerId, ReadonlyMap<NodeId, ManagerSight>>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Dials those that are new or have moved, and lets go of those that are gone. */
  follow(managers: Iterable<ManagerRecord>): void {
    const wanted = new Map<ManagerId, ManagerRecord>();
    for (const manager of managers) {
      if (manager.id !== this.#options.self) wanted.set(manager.id, manager);
    }
    for (const [id, link] of this.#links) {
      if (wanted.get(id)?.sessions === link.address) continue;
      link.stop();
      this.#links.delete(id);
      this.#heard.delete(id);
      this.#sights.delete(id);
    }
    for (const { id, sessions } of wanted.values()) {
      if (this.#links.has(id)) continue;
      const link = new PeerLink(this.#options, {
        id,
        address: sessions,
        onMessage: (message) => this.#hear(id, message),
      });
      this.#links.set(id, link);
      link.start();
    }
  }

  /** Tells the others at once where this manager stands, for example that it leads. */
  announce(): void {
    for (const link of this.#links.values()) link.ping();
  }

  /** Null = it was never heard. */
  sight(id: ManagerId): PeerSight | null {
    const heard = this.#heard.get(id);
    if (heard === undefined) return null;
    const { revision, leading } = heard.message;
    const ageMs = Math.round(this.#options.env.clock.monotonicMs() - heard.atMs);
    return { ageMs, revision, leading };
  }

  /** The manager that says it leads; of two, the one with the newer epoch. */
  leader(): KnownLeader | null {
    const { self } = this.#options;
    const own = this.#options.standing().leading;
    let best: KnownLeader | null = own === null ? null : { name: self, epoch: own };
    for (const id of this.#links.keys()) {
      const sight = this.sight(id);
      if (sight === null || sight.leading === null || !isReachable(sight)) continue;
      if (best === null || sight.leading > best.epoch) best = { name: id, epoch: sight.leading };
    }
    return best;
  }

  /** The other managers, and how many of them answer now. */
  heard(): ManagersHeard {
    const heard = this.reachable().size - 1;
    return { others: this.#links.size, heard, sights: this.#sights };
  }

  /** Managers that answer now, this one among them. */
  reachable(): ReadonlySet<ManagerId> {
    const ids = [...this.#links.keys()].filter((id) => isReachable(this.sight(id)));
    return new Set([this.#options.self, ...ids]);
  }

  /** Another manager dialled here. */
  accept(channel: MessageChannel): void {
    this.#accepted.add(channel);
    channel.onClose(() => void this.#accepted.delete(channel));
    channel.onMessage((value) => {
      const message = readFrom(channel.peer.name, value);
      if (message?.kind !== 'peerPing') {
        channel.close('not a message between managers');
        return;
      }
      this.#hear(managerId(message.name), message);
      const { self } = this.#options;
      const heard =
        message.leading === null ? {} : { heard: this.#options.heardOf().slice(0, maxHeard) };
      channel.send({ kind: 'peerPong', name: self, ...this.#options.standing(), ...heard });
    });
  }

  stop(): void {
    this.follow([]);
    for (const channel of this.#accepted) channel.close('this manager stops');
  }

  #hear(id: ManagerId, message: PeerMessage): void {
    if (!this.#links.has(id)) return;
    const atMs = this.#options.env.clock.monotonicMs();
    this.#heard.set(id, { atMs, message });
    const { heard } = message;
    if (heard === undefined) return;
    const sights = heard.map(
      ({ node, bootId: boot, ageMs }) =>
        [nodeId(node), { bootId: bootId(boot), atMs: atMs - ageMs }] as const,
    );
    this.#sights.set(id, new Map(sights));
  }
}

export function isReachable(sight: PeerSight | null): boolean {
  return sight !== null && sight.ageMs < silentAfterMs;
}

interface PeerLinkOptions {
  readonly id: ManagerId;
  readonly address: string;
  readonly onMessage: (message: PeerMessage) => void;
}

/** The dialled end of a connection to one manager, made again whenever it ends. */
class PeerLink {
  readonly address: string;
  readonly #options: PeersOptions;
  readonly #link: PeerLinkOptions;
  readonly #abort = new AbortController();
  #channel: MessageChannel | null = null;
  #timer: Timer | null = null;
  #unanswered = 0;

  constructor(options: PeersOptions, link: PeerLinkOptions) {
    this.#options = options;
    this.#link = link;
    this.address = link.address;
  }

  start(): void {
    void this.#dial();
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.cancel();
    this.#channel?.close('not needed any more');
  }

  async #dial(): Promise<void> {
    const { env } = this.#options;
    const { signal } = this.#abort;
    const address = parseHostPort(this.address);
    if (address.kind === 'invalid') return;
    const result = await env.network.connect(address, {
      expectRole: 'manager',
      timeoutMs: dialTimeoutMs,
      signal,
    });
    if (result.kind === 'failed') {
      if (!signal.aborted) this.#later(() => void this.#dial());
      return;
    }
    this.#opened(result.channel);
  }

  #opened(channel: MessageChannel): void {
    const { signal } = this.#abort;
    channel.onClose(() => {
      if (this.#channel === channel) this.#channel = null;
      if (!signal.aborted) this.#later(() => void this.#dial());
    });
    if (signal.aborted || channel.peer.name !== this.#link.id) {
      channel.close(`${this.#link.id} was expected here`);
      return;
    }
    this.#channel = channel;
    this.#unanswered = 0;
    channel.onMessage((value) => this.#receive(channel, value));
    this.ping();
  }

  /** Now, and from now on at its interval. Nothing while there is no connection. */
  ping(): void {
    const channel = this.#channel;
    if (channel === null) return;
    if (this.#unanswered >= unansweredMax) {
      channel.close('no answer');
      return;
    }
    this.#unanswered += 1;
    const { self } = this.#options;
    channel.send({ kind: 'peerPing', name: self, ...this.#options.standing() });
    if (this.#channel === channel) this.#later(() => this.ping());
  }

  #receive(channel: MessageChannel, value: JsonValue): void {
    const message = readFrom(this.#link.id, value);
    if (message?.kind !== 'peerPong') {
      channel.close('not a message between managers');
      return;
    }
    this.#unanswered = 0;
    this.#link.onMessage(message);
  }

  #later(action: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.env.timers.after(pingMs, action);
  }
}

/** Null for what is no such message, or speaks in another's name than its certificate. */
function readFrom(name: string, value: JsonValue): PeerMessage | null {
  const message = readPeerMessage(value) ?? peerMessageSchema.safeParse(value).data;
  return message?.name === name ? message : null;
}
