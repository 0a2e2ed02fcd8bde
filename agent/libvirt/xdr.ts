/** Malformed or oversized XDR. Thrown inside the codec; `decode` and `encode` turn it into a result. */
export class XdrError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XdrError';
  }
}

/** Longest string libvirt accepts, in bytes. Source: the limits of its protocol definition. */
export const maxStringBytes = 4_194_304;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

const padding = (length: number): number => (4 - (length % 4)) % 4;

/** Reads big-endian XDR units; every length is checked against what is there before it is used. */
class XdrReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#advance(8));
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8));
  }

  /** A view of the next `length` bytes; the padding after them is skipped. */
  opaque(length: number): Uint8Array {
    const start = this.#advance(length + padding(length));
    return this.#bytes.subarray(start, start + length);
  }

  #advance(count: number): number {
    if (count > this.remaining) {
      throw new XdrError(`needs ${count} bytes, ${this.remaining} are left`);
    }
    const start = this.#offset;
    this.#offset += count;
    return start;
  }
}

/** Writes big-endian XDR units into a buffer that grows up to `maxBytes`. */
class XdrWriter {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  int32(value: number): void {
    if (value !== Math.trunc(value) || value < -0x8000_0000 || value > 0x7fff_ffff) {
      throw new XdrError(`${value} is not a 32-bit integer`);
    }
    const start = this.#grow(4);
    this.#view.setInt32(start, value);
  }

  uint32(value: number): void {
    if (value !== Math.trunc(value) || value < 0 || value > 0xffff_ffff) {
      throw new XdrError(`${value} is not an unsigned 32-bit integer`);
    }
    const start = this.#grow(4);
    this.#view.setUint32(start, value);
  }

  uint64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) {
      throw new XdrError(`${value} is not an unsigned 64-bit integer`);
    }
    const start = this.#grow(8);
    this.#view.setBigUint64(start, value);
  }

  int64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new XdrError(`${value} is not a 64-bit integer`);
    const start = this.#grow(8);
    this.#view.setBigInt64(start, value);
  }

  double(value: number): void {
    const start = this.#grow(8);
    this.#view.setFloat64(start, value);
  }

  opaque(bytes: Uint8Array): void {
    const start = this.#grow(bytes.byteLength + padding(bytes.byteLength));
    this.#bytes.set(bytes, start);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Zeroes behind the data are the padding: the buffer is never reused. */
  #grow(count: number): number {
    const start = this.#length;
    const needed = start + count;
    if (needed > this.#maxBytes) throw new XdrError(`message over ${this.#maxBytes} bytes`);
    if (needed > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return start;
  }
}

/** How one type travels. `minBytes` is the least its encoding can take and bounds array counts. */
export interface Codec<T> {
  readonly minBytes: number;
  read(reader: XdrReader): T;
  write(writer: XdrWriter, value: T): void;
}

/** The TypeScript type that a codec carries. */
export type Carried<C> = C extends Codec<infer T> ? T : never;

export const int32: Codec<number> = {
  minBytes: 4,
  read: (reader) => reader.int32(),
  write: (writer, value) => writer.int32(value),
};

export const uint32: Codec<number> = {
  minBytes: 4,
  read: (reader) => reader.uint32(),
  write: (writer, value) => writer.uint32(value),
};

export const uint64: Codec<bigint> = {
  minBytes: 8,
  read: (reader) => reader.uint64(),
  write: (writer, value) => writer.uint64(value),
};

export const int64: Codec<bigint> = {
  minBytes: 8,
  read: (reader) => reader.int64(),
  write: (writer, value) => writer.int64(value),
};

export const double: Codec<number> = {
  minBytes: 8,
  read: (reader) => reader.double(),
  write: (writer, value) => writer.double(value),
};

/** No payload at all. */
export const nothing: Codec<undefined> = {
  minBytes: 0,
  read: () => undefined,
  write: () => undefined,
};

/** UTF-8 text. Bytes that are not UTF-8 are read as replacement characters. */
export const string: Codec<string> = {
  minBytes: 4,
  read: (reader) => {
    const length = reader.uint32();
    if (length > maxStringBytes) throw new XdrError(`string of ${length} bytes is over the limit`);
    return decoder.decode(reader.opaque(length));
  },
  write: (writer, value) => {
    const bytes = encoder.encode(value);
    if (bytes.byteLength > maxStringBytes) {
      throw new XdrError(`string of ${bytes.byteLength} bytes is over the limit`);
    }
    writer.uint32(bytes.byteLength);
    writer.opaque(bytes);
  },
};

/** Raw bytes with their length before them, at most `max`. */
export function opaque(max: number): Codec<Uint8Array> {
  return {
    minBytes: 4,
    read: (reader) => {
      const length = reader.uint32();
      if (length > max) throw new XdrError(`${length} bytes are over the limit of ${max}`);
      return new Uint8Array(reader.opaque(length));
    },
    write: (writer, value) => {
      if (value.byteLength > max)
        throw new XdrError(`${value.byteLength} bytes are over the limit`);
      writer.uint32(value.byteLength);
      writer.opaque(value);
    },
  };
}

/** Exactly `length` raw bytes, without a length on the wire. */
export function fixedOpaque(length: number): Codec<Uint8Array> {
  return {
    minBytes: length + padding(length),
    // A copy: a view would keep the whole chunk it came in alive.
    read: (reader) => new Uint8Array(reader.opaque(length)),
    write: (writer, value) => {
      if (value.byteLength !== length) throw new XdrError(`needs exactly ${length} bytes`);
      writer.opaque(value);
    },
  };
}

/** A value or null, as a pointer is sent. */
export function optional<T>(item: Codec<T>): Codec<T | null> {
  return {
    minBytes: 4,
    read: (reader) => {
      const present = reader.uint32();
      if (present > 1) throw new XdrError(`${present} is not a presence mark`);
      return present === 1 ? item.read(reader) : null;
    },
    write: (writer, value) => {
      writer.uint32(value === null ? 0 : 1);
      if (value !== null) item.write(writer, value);
    },
  };
}

/** A counted list of at most `max` items. */
export function array<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    minBytes: 4,
    read: (reader) => {
      const count = reader.uint32();
      if (count > max) throw new XdrError(`list of ${count} items is over the limit of ${max}`);
      if (count * item.minBytes > reader.remaining) {
        throw new XdrError(`list of ${count} items cannot fit into ${reader.remaining} bytes`);
      }
      const items: T[] = [];
      for (let index = 0; index < count; index += 1) items.push(item.read(reader));
      return items;
    },
    write: (writer, value) => {
      if (value.length > max) {
        throw new XdrError(`list of ${value.length} items is over the limit of ${max}`);
      }
      writer.uint32(value.length);
      for (const each of value) item.write(writer, each);
    },
  };
}

/** Exactly `count` items, without a count on the wire. */
export function fixedArray<T>(item: Codec<T>, count: number): Codec<readonly T[]> {
  return {
    minBytes: item.minBytes * count,
    read: (reader) => Array.from({ length: count }, () => item.read(reader)),
    write: (writer, value) => {
      if (value.length !== count) throw new XdrError(`needs exactly ${count} items`);
      for (const each of value) item.write(writer, each);
    },
  };
}

/** Named fields in the order in which they are written down. */
export function struct<T extends object>(fields: {
  readonly [K in keyof T]: Codec<T[K]>;
}): Codec<T> {
  const entries = Object.entries(fields) as [keyof T, Codec<T[keyof T]>][];
  return {
    minBytes: entries.reduce((sum, [, codec]) => sum + codec.minBytes, 0),
    read: (reader) => {
      const value: Partial<T> = {};
      for (const [name, codec] of entries) value[name] = codec.read(reader);
      return value as T;
    },
    write: (writer, value) => {
      for (const [name, codec] of entries) codec.write(writer, value[name]);
    },
  };
}

export type Decoded<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'malformed'; readonly message: string };

/** Decodes a whole payload. Bytes that are left over mean that the two sides' tables differ. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): Decoded<T> {
  try {
    const reader = new XdrReader(bytes);
    const value = codec.read(reader);
    if (reader.remaining > 0) {
      return { kind: 'malformed', message: `${reader.remaining} bytes left over` };
    }
    return { kind: 'ok', value };
  } catch (error) {
    if (error instanceof XdrError) return { kind: 'malformed', message: error.message };
    throw error;
  }
}

/** Encodes a payload of at most `maxBytes`; `malformed` when a value does not fit its type. */
export function encode<T>(codec: Codec<T>, value: T, maxBytes: number): Decoded<Uint8Array> {
  try {
    const writer = new XdrWriter(maxBytes);
    codec.write(writer, value);
    return { kind: 'ok', value: writer.finish() };
  } catch (error) {
    if (error instanceof XdrError) return { kind: 'malformed', message: error.message };
    throw error;
  }
}
