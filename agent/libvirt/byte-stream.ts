/**
 * One byte stream to or from libvirtd: a unix socket, or a pair in memory. It may still be
 * connecting: bytes written early are kept, and a failure to connect is a close.
 */
export interface ByteStream {
  /** Queues bytes. Does nothing once closed. */
  write(bytes: Uint8Array): void;
  /** One listener. Bytes that arrive before it is set are kept for it. */
  onData(listener: (chunk: Uint8Array) => void): void;
  /** One listener, called once, also when `close` was called here. */
  onClose(listener: (reason: string) => void): void;
  close(reason: string): void;
}

/** Begins a new connection and returns at once. */
export type Dial = () => ByteStream;
