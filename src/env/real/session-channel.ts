import { constants, type Http2Session, type Http2Stream } from 'node:http2';
import type { JsonValue, MessageChannel, PeerIdentity } from '../network.ts';
import { LineReader } from './line-reader.ts';
import type { SessionLimits } from './session-protocol.ts';

const maxReasonBytes = 1024;

/**
 * A message channel on an open HTTP/2 stream that has the session for itself. The stream stays
 * paused until there is a listener, so a peer that nobody listens to meets flow control.
 */
export class SessionChannel implements MessageChannel {
  readonly peer: PeerIdentity;
  readonly #session: Http2Session;
  readonly #stream: Http2Stream;
  readonly #limits: SessionLimits;
  readonly #reader: LineReader;
  #messageListener: ((message: JsonValue) => void) | null = null;
  #closeListener: ((reason: string) => void) | null = null;
  #closedBecause: string | null = null;
  #peerReason: string | null = null;
  #failure: string | null = null;

  constructor(options: {
    readonly peer: PeerIdentity;
    readonly session: Http2Session;
    readonly stream: Http2Stream;
    readonly limits: SessionLimits;
  }) {
    this.peer = options.peer;
    this.#session = options.session;
    this.#stream = options.stream;
    this.#limits = options.limits;
    this.#reader = new LineReader(options.limits.maxLineBytes);
    this.#watchEnd();
  }

  send(message: JsonValue): void {
    if (this.#closedBecause !== null) return;
    const line = Buffer.from(`${JSON.stringify(message)}\n`, 'utf8');
    if (line.length - 1 > this.#limits.maxLineBytes) {
      this.close(`a message of ${line.length} bytes is over ${this.#limits.maxLineBytes}`);
      return;
    }
    this.#stream.write(line);
    const waiting = this.#stream.writableLength;
    if (waiting > this.#limits.maxQueuedBytes) {
      this.#abandon(`the peer does not read: ${waiting} bytes wait to be sent`);
    }
  }

  onMessage(listener: (message: JsonValue) => void): void {
    const isFirst = this.#messageListener === null;
    this.#messageListener = listener;
    if (isFirst && this.#closedBecause === null) {
      this.#stream.on('data', (chunk: Uint8Array) => this.#read(chunk));
    }
  }

  onClose(listener: (reason: string) => void): void {
    const reason = this.#closedBecause;
    if (reason === null) this.#closeListener = listener;
    else queueMicrotask(() => listener(reason));
  }

  /** What was sent before is still delivered if the peer takes it within the linger time. */
  close(reason: string): void {
    if (this.#closedBecause !== null) return;
    this.#finish(reason);
    if (!this.#session.destroyed) {
      // The reason goes beside the stream, because the stream carries messages only.
      const said = Buffer.from(reason, 'utf8').subarray(0, maxReasonBytes);
      this.#session.goaway(constants.NGHTTP2_NO_ERROR, 0, said);
    }
    this.#letGo();
  }

  #abandon(reason: string): void {
    this.#finish(reason);
    this.#session.destroy();
  }

  /** Ends our direction, waits for the other to end too, then ends the connection. */
  #letGo(): void {
    if (this.#stream.destroyed) {
      this.#session.destroy();
      return;
    }
    const linger = setTimeout(() => this.#session.destroy(), this.#limits.lingerMs);
    this.#stream.once('close', () => {
      clearTimeout(linger);
      this.#session.destroy();
    });
    this.#stream.end();
    // Without this the peer's end would stand behind data that nobody reads.
    this.#stream.resume();
  }

  #read(chunk: Uint8Array): void {
    if (this.#closedBecause !== null) return;
    const read = this.#reader.push(chunk);
    if (read.kind === 'tooLong') {
      this.close(`the peer sent a line of more than ${this.#limits.maxLineBytes} bytes`);
      return;
    }
    for (const line of read.lines) this.#deliver(line);
  }

  #deliver(line: string): void {
    // The listener may have closed the channel at the line before.
    if (this.#closedBecause !== null || line === '') return;
    let message: JsonValue;
    try {
      message = JSON.parse(line) as JsonValue;
    } catch {
      this.close('the peer sent a line that is not JSON');
      return;
    }
    this.#messageListener?.(message);
  }

  #watchEnd(): void {
    this.#session.on('goaway', (_code: number, _last: number, said?: Uint8Array) => {
      if (said !== undefined && said.length > 0) {
        this.#peerReason = Buffer.from(said).toString('utf8').slice(0, maxReasonBytes);
      }
    });
    const failed = (error: Error): void => {
      this.#failure ??= error.message;
    };
    this.#session.on('error', failed);
    this.#stream.on('error', failed);
    this.#stream.once('end', () => {
      this.#finish(this.#endOfPeer());
      this.#letGo();
    });
    this.#stream.once('close', () => {
      this.#finish(this.#endOfPeer());
      this.#session.destroy();
    });
  }

  #endOfPeer(): string {
    if (this.#peerReason !== null) return `the peer closed the channel: ${this.#peerReason}`;
    return `the connection was lost: ${this.#failure ?? 'it ended without a word'}`;
  }

  #finish(reason: string): void {
    if (this.#closedBecause !== null) return;
    this.#closedBecause = reason;
    const listener = this.#closeListener;
    // Never from inside a call of the owner.
    if (listener !== null) queueMicrotask(() => listener(reason));
  }
}
