/** Programs that share one connection. */
export const remoteProgram = 0x2000_8086;
/** What only QEMU's driver knows, in the same connection. */
export const qemuProgram = 0x2000_8087;
export const keepaliveProgram = 0x6b65_6570;

export const keepalivePing = 1;
export const keepalivePong = 2;

export const messageType = { call: 0, reply: 1, event: 2, stream: 3 } as const;
/** `more`: of a stream, another piece of it; an empty one is its end. */
export const messageStatus = { ok: 0, error: 1, more: 2 } as const;

/** Length word included. Source: libvirt's limit of 32 MiB plus the length word itself. */
export const maxMessageBytes = 33_554_436;
const lengthBytes = 4;
const headerBytes = 24;
export const maxPayloadBytes = maxMessageBytes - lengthBytes - headerBytes;

export interface MessageHeader {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  /** Chosen by the caller, echoed in the reply; 0 in events and keepalive. */
  readonly serial: number;
  readonly status: number;
}

export interface Message {
  readonly header: MessageHeader;
  readonly payload: Uint8Array;
}

const none = new Uint8Array(0);

export function encodeMessage(header: MessageHeader, payload: Uint8Array): Uint8Array {
  const length = lengthBytes + headerBytes + payload.byteLength;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint32(4, header.program);
  view.setUint32(8, header.version);
  view.setInt32(12, header.procedure);
  view.setInt32(16, header.type);
  view.setUint32(20, header.serial);
  view.setInt32(24, header.status);
  bytes.set(payload, lengthBytes + headerBytes);
  return bytes;
}

export function keepaliveMessage(procedure: number): Uint8Array {
  const header = { version: 1, type: messageType.event, serial: 0, status: messageStatus.ok };
  return encodeMessage({ ...header, program: keepaliveProgram, procedure }, none);
}

function decodeMessage(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    header: {
      program: view.getUint32(4),
      version: view.getUint32(8),
      procedure: view.getInt32(12),
      type: view.getInt32(16),
      serial: view.getUint32(20),
      status: view.getInt32(24),
    },
    payload: bytes.subarray(lengthBytes + headerBytes),
  };
}

export type Framed =
  | { readonly kind: 'message'; readonly message: Message }
  /** Nothing whole is there; more bytes may come. */
  | { readonly kind: 'incomplete' }
  /** The stream is lost: no later byte can be trusted. */
  | { readonly kind: 'malformed'; readonly message: string };

/**
 * Cuts a byte stream into messages. It holds no more than the bytes received: a length word
 * reserves nothing, and one out of bounds is refused as soon as it is read.
 */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #buffered = 0;

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
  }

  next(): Framed {
    if (this.#buffered < lengthBytes) return { kind: 'incomplete' };
    const length = this.#peekLength();
    if (length < lengthBytes + headerBytes || length > maxMessageBytes) {
      return { kind: 'malformed', message: `message length ${length} is out of bounds` };
    }
    if (this.#buffered < length) return { kind: 'incomplete' };
    return { kind: 'message', message: decodeMessage(this.#take(length)) };
  }

  #peekLength(): number {
    let value = 0;
    let seen = 0;
    for (const chunk of this.#chunks) {
      for (const byte of chunk.subarray(0, lengthBytes - seen)) {
        value = value * 256 + byte;
        seen += 1;
      }
      if (seen === lengthBytes) break;
    }
    return value;
  }

  #take(length: number): Uint8Array {
    this.#buffered -= length;
    const [first] = this.#chunks;
    if (first !== undefined && first.byteLength >= length) {
      if (first.byteLength === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const bytes = new Uint8Array(length);
    let filled = 0;
    let whole = 0;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(0, length - filled);
      bytes.set(part, filled);
      filled += part.byteLength;
      if (part.byteLength < chunk.byteLength) {
        this.#chunks[whole] = chunk.subarray(part.byteLength);
        break;
      }
      whole += 1;
      if (filled === length) break;
    }
    this.#chunks = this.#chunks.slice(whole);
    return bytes;
  }
}
