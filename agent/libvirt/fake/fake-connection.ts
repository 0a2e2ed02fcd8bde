import type { Timer, Timers } from '../../../src/env/env.ts';
import type { ByteStream } from '../byte-stream.ts';
import type { MessageHeader } from '../framing.ts';
import {
  encodeMessage,
  FrameReader,
  keepaliveMessage,
  keepalivePing,
  keepalivePong,
  keepaliveProgram,
  maxPayloadBytes,
  messageStatus,
  messageType,
  remoteProgram,
} from '../framing.ts';
import type { Codec } from '../xdr.ts';
import { encode } from '../xdr.ts';

/** libvirtd's defaults. */
const maxClientRequests = 5;
const keepaliveIntervalMs = 5000;
const keepaliveCount = 5;

export interface FakeReply {
  readonly status: number;
  readonly payload: Uint8Array;
}

/** Works a call out. Null: it is never answered, and keeps its place in the window. */
export type Serve = (header: MessageHeader, payload: Uint8Array) => Promise<FakeReply | null>;

/** Encodes what the fake itself made; failing is a bug of the fake. */
export function encodePayload<T>(codec: Codec<T>, value: T): Uint8Array {
  const encoded = encode(codec, value, maxPayloadBytes);
  if (encoded.kind === 'malformed') throw new Error(encoded.message);
  return encoded.value;
}

/** The server's side of one connection: window, keepalive, replies, events. */
export class FakeConnection {
  readonly #timers: Timers;
  readonly #stream: ByteStream;
  readonly #serve: Serve;
  readonly #frames = new FrameReader();
  readonly #held: Uint8Array[] = [];
  /** Callback ids by event kind. */
  readonly callbacks = new Map<number, number>();
  /** While true it neither reads nor writes, as under SIGSTOP. */
  #stopped: boolean;
  #open = true;
  #inFlight = 0;
  #holdReplies = 0;
  #keepalive: Timer | null = null;
  #unanswered = 0;
  onClosed: () => void = () => undefined;

  constructor(timers: Timers, stream: ByteStream, stopped: boolean, serve: Serve) {
    this.#timers = timers;
    this.#stream = stream;
    this.#stopped = stopped;
    this.#serve = serve;
    stream.onClose(() => this.#end());
    stream.onData((chunk) => {
      this.#frames.push(chunk);
      this.#read();
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get open(): boolean {
    return this.#open;
  }

  /** What was received meanwhile is worked off, also when the client has gone since. */
  setStopped(stopped: boolean): void {
    this.#stopped = stopped;
    if (!stopped) this.#read();
  }

  /** The next `count` replies wait for each other and leave in reverse order. */
  reverseReplies(count: number): void {
    this.#holdReplies = count;
  }

  /** Asked for by feature 10; until then the server sends no ping. */
  startKeepalive(): void {
    if (this.#keepalive !== null) return;
    const tick = (): void => {
      this.#unanswered += 1;
      if (this.#unanswered > keepaliveCount) {
        this.close('client does not answer pings');
        return;
      }
      this.#write(keepaliveMessage(keepalivePing));
      this.#keepalive = this.#timers.after(keepaliveIntervalMs, tick);
    };
    this.#keepalive = this.#timers.after(keepaliveIntervalMs, tick);
  }

  sendEvent<T>(procedure: number, codec: Codec<T>, value: T): void {
    const header = { version: 1, type: messageType.event, serial: 0, status: messageStatus.ok };
    const payload = encodePayload(codec, value);
    this.#write(encodeMessage({ ...header, program: remoteProgram, procedure }, payload));
  }

  close(reason: string): void {
    this.#stream.close(reason);
    this.#end();
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#keepalive?.cancel();
    this.onClosed();
  }

  #write(bytes: Uint8Array): void {
    if (this.#open && !this.#stopped) this.#stream.write(bytes);
  }

  #read(): void {
    // Above this many calls libvirtd reads nothing more from the client, pings included.
    while (!this.#stopped && this.#inFlight < maxClientRequests) {
      const framed = this.#frames.next();
      if (framed.kind === 'incomplete') return;
      if (framed.kind === 'malformed') {
        this.close(framed.message);
        return;
      }
      const { header, payload } = framed.message;
      this.#unanswered = 0;
      if (header.program === keepaliveProgram) {
        if (header.procedure === keepalivePing) this.#write(keepaliveMessage(keepalivePong));
        continue;
      }
      this.#inFlight += 1;
      void this.#answer(header, payload);
    }
  }

  async #answer(header: MessageHeader, payload: Uint8Array): Promise<void> {
    const reply = await this.#serve(header, payload);
    if (reply === null) return;
    this.#inFlight -= 1;
    const { status } = reply;
    const bytes = encodeMessage({ ...header, type: messageType.reply, status }, reply.payload);
    if (this.#holdReplies > 0) {
      this.#held.unshift(bytes);
      if (this.#held.length >= this.#holdReplies) {
        this.#holdReplies = 0;
        for (const held of this.#held.splice(0)) this.#write(held);
      }
    } else {
      this.#write(bytes);
    }
    this.#read();
  }
}
