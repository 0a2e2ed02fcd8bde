import type { Timer } from '../../src/env/env.ts';
import type { ByteStream } from './byte-stream.ts';
import type { LibvirtError } from './errors.ts';
import { decodeError } from './errors.ts';
import type { Message } from './framing.ts';
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
  qemuProgram,
  remoteProgram,
} from './framing.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import type { Procedure } from './procedures.ts';
import { decode, encode } from './xdr.ts';

/** A call's end as seen on the wire. */
export type CallResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** libvirtd answered that it did not do it. */
  | { readonly kind: 'error'; readonly error: LibvirtError }
  /** Not one byte was sent: it certainly has no effect. */
  | { readonly kind: 'notSent'; readonly code: string; readonly message: string }
  /** Sent and not answered: it may have taken effect, or may still. */
  | { readonly kind: 'ambiguous'; readonly message: string };

/**
 * Asked in the same turn in which a call leaves the process, however long it waited before: null
 * lets it go, anything else ends it unsent.
 */
export type SendGuard = () => { readonly code: string; readonly message: string } | null;

export interface ConnectionOptions {
  /** Interval of our own pings. */
  readonly pingMs: number;
  /** Ping intervals in a row without one inbound byte after which the connection is dead. */
  readonly silentPings: number;
}

/**
 * Calls in flight per connection. libvirtd stops reading a client, its pings included, while
 * `max_client_requests` (5 by default) calls run: one more and a healthy daemon looks dead.
 */
export const callWindow = 4;

interface Call {
  readonly name: string;
  readonly program: number;
  readonly number: number;
  readonly payload: Uint8Array;
  readonly answer: (message: Message) => 'understood' | 'malformed';
  readonly end: (result: Exclude<CallResult<never>, { readonly kind: 'ok' }>) => void;
  readonly guard: SendGuard | null;
  /** Told the serial in the turn in which the call leaves. */
  readonly onSerial: ((serial: number) => void) | null;
  timer: Timer | null;
  /** Given up at its deadline; holds its place in the server until the late reply. */
  abandoned: boolean;
}

/** One piece of a stream, or its end. */
export type StreamPiece =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly message: string };

/** One connection to libvirtd: calls, events and keepalive over a byte stream. */
export class LibvirtConnection {
  readonly #env: LibvirtEnv;
  readonly #stream: ByteStream;
  readonly #options: ConnectionOptions;
  readonly #frames = new FrameReader();
  readonly #queue: Call[] = [];
  readonly #inFlight = new Map<number, Call>();
  readonly #streams = new Map<number, (piece: StreamPiece) => void>();
  #serial = 0;
  #closedBecause: string | null = null;
  #pingTimer: Timer | null = null;
  #heard = false;
  #onEvent: (procedure: number, payload: Uint8Array) => void = () => undefined;
  #onClose: (reason: string) => void = () => undefined;

  constructor(env: LibvirtEnv, stream: ByteStream, options: ConnectionOptions) {
    this.#env = env;
    this.#stream = stream;
    this.#options = options;
    stream.onData((chunk) => this.#receive(chunk));
    stream.onClose((reason) => this.close(reason));
  }

  onEvent(listener: (procedure: number, payload: Uint8Array) => void): void {
    this.#onEvent = listener;
  }

  /** One listener, called once, after all pending calls were ended. */
  onClose(listener: (reason: string) => void): void {
    this.#onClose = listener;
  }

  /** Why it is closed, or null while it is open. */
  closedBecause(): string | null {
    return this.#closedBecause;
  }

  /** Begins our own pings. Only after the handshake: libvirtd answers none before it. */
  startKeepalive(): void {
    let silent = 0;
    const tick = (): void => {
      // Ticks are counted, not time: our own stall costs one tick, not the connection.
      silent = this.#heard ? 0 : silent + 1;
      if (silent >= this.#options.silentPings) {
        this.close(`libvirtd silent for ${silent} pings of ${this.#options.pingMs} ms`);
        return;
      }
      this.#heard = false;
      this.#stream.write(keepaliveMessage(keepalivePing));
      this.#pingTimer = this.#env.timers.after(this.#options.pingMs, tick);
    };
    this.#heard = true;
    tick();
  }

  /**
   * Calls a procedure. Always ends within `deadlineMs`, time in the queue included: unsent it is
   * `notSent`, sent it is `ambiguous`.
   */
  call<Args, Ret>(
    procedure: Procedure<Args, Ret>,
    args: Args,
    deadlineMs: number,
    guard: SendGuard | null = null,
    onSerial: ((serial: number) => void) | null = null,
  ): Promise<CallResult<Ret>> {
    if (this.#closedBecause !== null) {
      const message = `no connection to libvirtd: ${this.#closedBecause}`;
      return Promise.resolve({ kind: 'notSent', code: 'libvirtUnavailable', message });
    }
    const payload = encode(procedure.args, args, maxPayloadBytes);
    if (payload.kind === 'malformed') {
      const message = `${procedure.name}: ${payload.message}`;
      return Promise.resolve({ kind: 'notSent', code: 'libvirtInvalidArgument', message });
    }
    return new Promise((resolve) => {
      const call: Call = {
        name: procedure.name,
        program: procedure.program ?? remoteProgram,
        number: procedure.number,
        payload: payload.value,
        timer: null,
        abandoned: false,
        end: resolve,
        guard,
        onSerial,
        answer: (message) => {
          const result = readReply(procedure, message);
          if (result === null) return 'malformed';
          resolve(result);
          return 'understood';
        },
      };
      call.timer = this.#env.timers.after(deadlineMs, () => this.#expire(call, deadlineMs));
      this.#queue.push(call);
      this.#pump();
    });
  }

  /**
   * As `call`, for a procedure whose bytes travel as a stream of the same serial. `onPiece` may be
   * called before the answer is passed on. The stream ends with the connection.
   */
  async callStream<Args, Ret>(
    procedure: Procedure<Args, Ret>,
    args: Args,
    deadlineMs: number,
    onPiece: (piece: StreamPiece) => void,
  ): Promise<CallResult<{ readonly value: Ret; readonly write: (bytes: Uint8Array) => void }>> {
    let serial = 0;
    const result = await this.call(procedure, args, deadlineMs, null, (given) => {
      serial = given;
      this.#streams.set(given, onPiece);
    });
    if (result.kind !== 'ok') {
      this.#streams.delete(serial);
      return result;
    }
    const header = {
      program: procedure.program ?? remoteProgram,
      version: 1,
      procedure: procedure.number,
      type: messageType.stream,
      serial,
      status: messageStatus.more,
    };
    const write = (bytes: Uint8Array): void => {
      if (this.#closedBecause === null) this.#stream.write(encodeMessage(header, bytes));
    };
    return { kind: 'ok', value: { value: result.value, write } };
  }

  /** Ends all pending calls in one sweep, then tells the listener. */
  close(reason: string): void {
    if (this.#closedBecause !== null) return;
    this.#closedBecause = reason;
    this.#pingTimer?.cancel();
    this.#stream.close(reason);
    for (const call of this.#queue.splice(0)) {
      call.timer?.cancel();
      const message = `${call.name} was not sent: ${reason}`;
      call.end({ kind: 'notSent', code: 'libvirtUnavailable', message });
    }
    for (const call of this.#inFlight.values()) {
      call.timer?.cancel();
      if (call.abandoned) continue;
      call.end({ kind: 'ambiguous', message: `${call.name} was not answered: ${reason}` });
    }
    this.#inFlight.clear();
    this.#onClose(reason);
  }

  #pump(): void {
    while (this.#inFlight.size < callWindow) {
      const call = this.#queue.shift();
      if (call === undefined) return;
      const refusal = call.guard?.() ?? null;
      if (refusal !== null) {
        call.timer?.cancel();
        call.end({ kind: 'notSent', ...refusal });
        continue;
      }
      this.#serial = this.#serial >= 0xffff_ffff ? 1 : this.#serial + 1;
      this.#inFlight.set(this.#serial, call);
      call.onSerial?.(this.#serial);
      const header = {
        program: call.program,
        version: 1,
        procedure: call.number,
        type: messageType.call,
        serial: this.#serial,
        status: messageStatus.ok,
      };
      this.#stream.write(encodeMessage(header, call.payload));
    }
  }

  #expire(call: Call, deadlineMs: number): void {
    const queued = this.#queue.indexOf(call);
    if (queued >= 0) {
      this.#queue.splice(queued, 1);
      const message = `${call.name} waited ${deadlineMs} ms behind other calls and was not sent`;
      call.end({ kind: 'notSent', code: 'libvirtBusy', message });
      return;
    }
    call.abandoned = true;
    call.end({ kind: 'ambiguous', message: `${call.name} was not answered in ${deadlineMs} ms` });
    // The server still works on abandoned calls. When they hold every place, nothing else can be
    // asked here: only a new connection helps.
    if ([...this.#inFlight.values()].every((each) => each.abandoned)) {
      if (this.#inFlight.size >= callWindow) this.close('every call in flight was given up');
    }
  }

  #receive(chunk: Uint8Array): void {
    this.#heard = true;
    this.#frames.push(chunk);
    while (this.#closedBecause === null) {
      const framed = this.#frames.next();
      if (framed.kind === 'incomplete') return;
      if (framed.kind === 'malformed') {
        this.close(framed.message);
        return;
      }
      this.#dispatch(framed.message);
    }
  }

  #dispatch(message: Message): void {
    const { program, type, procedure, serial } = message.header;
    if (program === keepaliveProgram) {
      if (procedure === keepalivePing) this.#stream.write(keepaliveMessage(keepalivePong));
      return;
    }
    if (program !== remoteProgram && program !== qemuProgram) return;
    if (type === messageType.event) {
      this.#onEvent(procedure, message.payload);
      return;
    }
    if (type === messageType.stream) {
      this.#streams.get(serial)?.(pieceOf(message));
      return;
    }
    if (type !== messageType.reply) return;
    const call = this.#inFlight.get(serial);
    if (call === undefined) return;
    this.#inFlight.delete(serial);
    call.timer?.cancel();
    if (call.abandoned) {
      this.#env.log.debug({ procedure: call.name }, 'late reply dropped');
    } else if (call.answer(message) === 'malformed') {
      const reason = `reply to ${call.name} is malformed`;
      call.end({ kind: 'ambiguous', message: reason });
      this.close(reason);
      return;
    }
    this.#pump();
  }
}

function pieceOf({ header, payload }: Message): StreamPiece {
  if (header.status === messageStatus.error) {
    const error = decodeError(payload);
    return { kind: 'failed', message: error.kind === 'ok' ? error.value.message : 'it broke off' };
  }
  const isMore = header.status === messageStatus.more && payload.byteLength > 0;
  // Pieces share the buffer that they were read from.
  return isMore ? { kind: 'data', bytes: payload.slice() } : { kind: 'end' };
}

function readReply<Ret>(
  procedure: Procedure<unknown, Ret> | Procedure<never, Ret>,
  message: Message,
): CallResult<Ret> | null {
  if (message.header.procedure !== procedure.number) return null;
  if (message.header.status === messageStatus.error) {
    const error = decodeError(message.payload);
    return error.kind === 'ok' ? { kind: 'error', error: error.value } : null;
  }
  if (message.header.status !== messageStatus.ok) return null;
  const decoded = decode(procedure.ret, message.payload);
  return decoded.kind === 'ok' ? { kind: 'ok', value: decoded.value } : null;
}
