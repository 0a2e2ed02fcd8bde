import type { Timers } from '../../../src/env/env.ts';
import type { ByteStream } from '../byte-stream.ts';

class MemoryStream implements ByteStream {
  readonly #timers: Timers;
  readonly #latencyMs: number;
  #peer: MemoryStream | null = null;
  #closed = false;
  #waiting: Uint8Array[] = [];
  #data: ((chunk: Uint8Array) => void) | null = null;
  #closing: ((reason: string) => void) | null = null;

  constructor(timers: Timers, latencyMs: number) {
    this.#timers = timers;
    this.#latencyMs = latencyMs;
  }

  join(peer: MemoryStream): void {
    this.#peer = peer;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed) return;
    const peer = this.#peer;
    this.#timers.after(this.#latencyMs, () => peer?.arrive(bytes));
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#data = listener;
    for (const chunk of this.#waiting.splice(0)) listener(chunk);
  }

  onClose(listener: (reason: string) => void): void {
    this.#closing = listener;
  }

  close(reason: string): void {
    if (this.#closed) return;
    const peer = this.#peer;
    this.#timers.after(this.#latencyMs, () => peer?.end('closed by the peer'));
    this.end(reason);
  }

  arrive(bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#data === null) this.#waiting.push(bytes);
    else this.#data(bytes);
  }

  end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing?.(reason);
  }
}

/** Two joined byte streams in memory. Bytes arrive in order, `latencyMs` after they were written. */
export function streamPair(timers: Timers, latencyMs: number): readonly [ByteStream, ByteStream] {
  const client = new MemoryStream(timers, latencyMs);
  const server = new MemoryStream(timers, latencyMs);
  client.join(server);
  server.join(client);
  return [client, server];
}
