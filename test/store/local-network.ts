import type {
  ConnectResult,
  JsonValue,
  Listener,
  MessageChannel,
  Network,
  NetworkAddress,
  PeerIdentity,
} from '../../src/env/network.ts';

interface End {
  readonly channel: MessageChannel;
  receive(text: string): void;
  lost(reason: string): void;
}

type Accept = (channel: MessageChannel) => void;

/**
 * Channels inside one process, in order and with copies of messages, for tests of members of one
 * store. What one member says to another can be swallowed, in one direction alone.
 */
export class LocalNetwork {
  readonly #clusterId: string;
  readonly #listeners = new Map<string, { readonly accept: Accept; readonly name: string }>();
  readonly #deaf = new Set<string>();
  readonly #mute = new Set<string>();
  /** By the member whose end it is. */
  readonly #open = new Map<MessageChannel, string>();

  constructor(clusterId: string) {
    this.#clusterId = clusterId;
  }

  /** The door of one member. */
  for(name: string): Network {
    return {
      listen: (address, accept) => this.#listen(name, address, accept),
      connect: async (address) => this.#connect(name, address),
    };
  }

  /** Nothing reaches the member; what is on its way is lost. Its connections stay. */
  deafen(name: string): void {
    this.#deaf.add(name);
  }

  /** Nothing leaves the member. */
  mute(name: string): void {
    this.#mute.add(name);
  }

  heal(name: string): void {
    this.#deaf.delete(name);
    this.#mute.delete(name);
  }

  /** The process of a member is gone: its connections break. */
  kill(name: string): void {
    for (const [key, { name: owner }] of this.#listeners) {
      if (owner === name) this.#listeners.delete(key);
    }
    for (const [channel, owner] of this.#open) {
      if (owner === name) channel.close('the process ended');
    }
  }

  async #listen(name: string, address: NetworkAddress, accept: Accept): Promise<Listener> {
    await Promise.resolve();
    const key = `${address.host}:${address.port}`;
    this.#listeners.set(key, { accept, name });
    return { address, close: async () => void this.#listeners.delete(key) };
  }

  async #connect(name: string, address: NetworkAddress): Promise<ConnectResult> {
    await Promise.resolve();
    const listener = this.#listeners.get(`${address.host}:${address.port}`);
    if (listener === undefined) {
      return { kind: 'failed', because: 'unreachable', detail: 'nobody listens there' };
    }
    const ends: End[] = [];
    const other = (index: number) => (): End | undefined => ends[1 - index];
    ends.push(this.#end(name, listener.name, other(0)), this.#end(listener.name, name, other(1)));
    const [mine, theirs] = ends;
    if (mine === undefined || theirs === undefined) throw new Error('no ends');
    listener.accept(theirs.channel);
    return { kind: 'connected', channel: mine.channel };
  }

  #end(owner: string, peerName: string, other: () => End | undefined): End {
    const peer: PeerIdentity = {
      clusterId: this.#clusterId,
      role: 'manager',
      name: peerName,
      fingerprint: '',
    };
    let onMessage: ((message: JsonValue) => void) | null = null;
    let onClose: ((reason: string) => void) | null = null;
    let closed: string | null = null;
    const early: string[] = [];
    const finish = (reason: string): void => {
      if (closed !== null) return;
      closed = reason;
      this.#open.delete(channel);
      queueMicrotask(() => onClose?.(reason));
    };
    const channel: MessageChannel = {
      peer,
      send: (message) => {
        if (closed !== null || this.#mute.has(owner)) return;
        const text = JSON.stringify(message);
        queueMicrotask(() => other()?.receive(text));
      },
      onMessage: (listener) => {
        onMessage = listener;
        for (const text of early.splice(0)) listener(JSON.parse(text) as JsonValue);
      },
      onClose: (listener) => {
        onClose = listener;
      },
      close: (reason) => {
        finish(reason);
        other()?.lost(reason);
      },
    };
    this.#open.set(channel, owner);
    return {
      channel,
      receive: (text) => {
        if (closed !== null || this.#deaf.has(owner)) return;
        if (onMessage === null) early.push(text);
        else onMessage(JSON.parse(text) as JsonValue);
      },
      lost: finish,
    };
  }
}
