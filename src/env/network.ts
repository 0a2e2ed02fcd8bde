/** Who is at the other end, as proven by its certificate. */
export interface PeerIdentity {
  readonly clusterId: string;
  readonly role: 'agent' | 'manager' | 'admin';
  readonly name: string;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * One authenticated connection that carries whole messages in order, both ways.
 * Delivery is not promised: a closed channel may have lost what was sent last.
 */
export interface MessageChannel {
  readonly peer: PeerIdentity;
  /** Queues a message. Does nothing once closed. Closes the channel when the queue is over its bound. */
  send(message: JsonValue): void;
  /** One listener. Messages that arrive before it is set are kept for it. */
  onMessage(listener: (message: JsonValue) => void): void;
  /** One listener, called once, also when `close` was called here. */
  onClose(listener: (reason: string) => void): void;
  close(reason: string): void;
}

export interface NetworkAddress {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  readonly address: NetworkAddress;
  close(): Promise<void>;
}

export type ConnectResult =
  | { readonly kind: 'connected'; readonly channel: MessageChannel }
  | {
      readonly kind: 'failed';
      /** `identity`: the certificate is missing, expired, of another cluster or another role. */
      readonly because: 'unreachable' | 'identity' | 'aborted';
      readonly detail: string;
    };

/** Mutual TLS in production, simulated links in the simulator. Identity is never taken on trust. */
export interface Network {
  listen(address: NetworkAddress, accept: (channel: MessageChannel) => void): Promise<Listener>;
  connect(
    address: NetworkAddress,
    options: {
      readonly expectRole: PeerIdentity['role'];
      readonly timeoutMs: number;
      readonly signal?: AbortSignal;
    },
  ): Promise<ConnectResult>;
}
