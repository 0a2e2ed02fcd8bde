import type { JsonValue } from '../../env/network.ts';
import type { ConfState, Message } from '../../raft/types.ts';
import type { LoadedSnapshot } from '../log/recover.ts';
import { decodeMessage, encodeMessage } from './wire.ts';

/*
 * A snapshot goes to a peer in pieces over the channel that carries the other messages: an opening
 * with the consensus message, one piece at a time, each acknowledged before the next few are sent,
 * so that heartbeats never wait behind 20 MB.
 */

type Piece =
  | {
      readonly kind: 'snapshot';
      readonly stream: string;
      readonly message: JsonValue;
      readonly index: number;
      readonly term: number;
      readonly conf: ConfState;
      readonly pieces: number;
    }
  | {
      readonly kind: 'piece';
      readonly stream: string;
      readonly at: number;
      readonly text: string;
    }
  | { readonly kind: 'took'; readonly stream: string; readonly at: number };

/** Pieces that may be under way. */
const window = 4;

interface Outgoing {
  readonly stream: string;
  readonly to: number;
  readonly chunks: readonly Uint8Array[];
  sent: number;
}

interface SenderOptions {
  readonly read: () => Promise<LoadedSnapshot | null>;
  readonly send: (to: number, message: JsonValue) => boolean;
  /** The transfer to a peer ended; what consensus must be told. */
  readonly onEnd: (to: number, isSent: boolean) => void;
}

/** Sends snapshots; at most one at a time to each peer, the newest. */
export class SnapshotSender {
  readonly #options: SenderOptions;
  readonly #outgoing = new Map<number, Outgoing>();
  #streams = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  async start(message: Message): Promise<void> {
    const { read, send, onEnd } = this.#options;
    const { to, snapshot } = message;
    if (snapshot === null) return;
    this.#streams += 1;
    const stream = `${snapshot.index}.${this.#streams}`;
    const loaded = await read().catch(() => null);
    // A newer one may have taken its place; consensus asks again and gets that one.
    if (loaded === null || loaded.index !== snapshot.index) {
      onEnd(to, false);
      return;
    }
    const opening: Piece = {
      kind: 'snapshot',
      stream,
      message: encodeMessage({ ...message, snapshot: null }),
      index: snapshot.index,
      term: snapshot.term,
      conf: snapshot.confState,
      pieces: loaded.chunks.length,
    };
    const outgoing: Outgoing = { stream, to, chunks: loaded.chunks, sent: 0 };
    this.#outgoing.set(to, outgoing);
    if (!send(to, opening as unknown as JsonValue)) this.#end(outgoing, false);
    for (let count = 0; count < window; count += 1) this.#next(outgoing);
  }

  /** The channel to a peer closed: what was under way is lost. */
  disconnected(peer: number): void {
    const outgoing = this.#outgoing.get(peer);
    if (outgoing !== undefined) this.#end(outgoing, false);
  }

  took(from: number, stream: string, at: number): void {
    const outgoing = this.#outgoing.get(from);
    if (outgoing?.stream !== stream) return;
    if (at === outgoing.chunks.length - 1) this.#end(outgoing, true);
    else this.#next(outgoing);
  }

  #next(outgoing: Outgoing): void {
    const { stream, to, chunks, sent } = outgoing;
    const chunk = chunks[sent];
    if (chunk === undefined || this.#outgoing.get(to) !== outgoing) return;
    const text = new TextDecoder().decode(chunk);
    outgoing.sent += 1;
    const isSent = this.#options.send(to, { kind: 'piece', stream, at: sent, text });
    if (!isSent) this.#end(outgoing, false);
  }

  #end(outgoing: Outgoing, isSent: boolean): void {
    if (this.#outgoing.get(outgoing.to) !== outgoing) return;
    this.#outgoing.delete(outgoing.to);
    this.#options.onEnd(outgoing.to, isSent);
  }
}

interface Incoming {
  readonly stream: string;
  readonly message: Message;
  readonly chunks: Uint8Array[];
  readonly pieces: number;
}

/** Puts snapshots of peers together. What was received whole waits to be taken for installation. */
export class SnapshotReceiver {
  readonly #answer: (to: number, message: JsonValue) => void;
  readonly #incoming = new Map<number, Incoming>();
  readonly #whole = new Map<string, readonly Uint8Array[]>();

  constructor(answer: (to: number, message: JsonValue) => void) {
    this.#answer = answer;
  }

  /** The consensus message once the last piece is there, else null. */
  take(from: number, value: JsonValue): Message | null {
    const piece = value as unknown as Piece;
    if (piece.kind === 'snapshot') {
      this.#open(from, piece);
      return null;
    }
    const incoming = this.#incoming.get(from);
    if (piece.kind !== 'piece' || incoming?.stream !== piece.stream) return null;
    if (piece.at !== incoming.chunks.length) return null;
    incoming.chunks.push(new TextEncoder().encode(piece.text));
    this.#answer(from, { kind: 'took', stream: piece.stream, at: piece.at });
    if (incoming.chunks.length < incoming.pieces) return null;
    this.#incoming.delete(from);
    const { message } = incoming;
    const key = keyOf(message.snapshot);
    // One that is older than this will never be installed.
    this.#whole.clear();
    this.#whole.set(key, incoming.chunks);
    return message;
  }

  disconnected(peer: number): void {
    this.#incoming.delete(peer);
  }

  /** The content of a snapshot that consensus wants installed. */
  content(snapshot: { readonly index: number; readonly term: number }): readonly Uint8Array[] {
    const key = keyOf(snapshot);
    const chunks = this.#whole.get(key);
    if (chunks === undefined) throw new Error(`snapshot ${key} was never received`);
    this.#whole.delete(key);
    return chunks;
  }

  #open(from: number, piece: Extract<Piece, { kind: 'snapshot' }>): void {
    const { stream, index, term, conf, pieces } = piece;
    const message = decodeMessage(piece.message);
    if (message === null) return;
    const snapshot = { index, term, confState: conf, data: new Uint8Array(0) };
    this.#incoming.set(from, {
      stream,
      message: { ...message, snapshot },
      chunks: [],
      pieces,
    });
  }
}

function keyOf(snapshot: { readonly index: number; readonly term: number } | null): string {
  return snapshot === null ? '' : `${snapshot.index}.${snapshot.term}`;
}
