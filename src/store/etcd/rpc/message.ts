import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/*
 * Protocol buffer messages as tables of their fields. The wire format itself is the library's; a
 * table instead of generated code, because etcd's few messages fit on two pages and need no step
 * before the build.
 */

/** One field: its number on the wire, how it is read and written, and what it is when absent. */
interface Field<Out, In> {
  readonly number: number;
  readonly absent: Out;
  read(reader: BinaryReader, before: Out): Out;
  /** Writes nothing for what a reader would take for absent. */
  write(writer: BinaryWriter, value: In): void;
}

type Fields = Readonly<Record<string, Field<unknown, never>>>;
type DecodedOf<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer Out, never> ? Out : never;
};
type EncodableOf<F extends Fields> = {
  readonly [Name in keyof F]?: F[Name] extends Field<never, infer In> ? In : EncodedBy<F[Name]>;
};
type EncodedBy<One> = One extends { write(writer: BinaryWriter, value: infer In): void }
  ? In
  : never;

/** A message type. Fields that are not given are absent; fields that are not known are skipped. */
export interface Message<Out, In> {
  encode(value: In): Uint8Array;
  decode(bytes: Uint8Array): Out;
}
export type Decoded<M> = M extends Message<infer Out, never> ? Out : never;
export type Encodable<M> = M extends { encode(value: infer In): Uint8Array } ? In : never;

export function message<const F extends Fields>(fields: F): Message<DecodedOf<F>, EncodableOf<F>> {
  const entries = Object.entries(fields);
  const byNumber = new Map(entries.map(([name, field]) => [field.number, { name, field }]));
  const absent = Object.fromEntries(entries.map(([name, field]) => [name, field.absent]));
  return {
    encode(value) {
      const writer = new BinaryWriter();
      const given = value as Readonly<Record<string, never>>;
      for (const [name, field] of entries) {
        if (given[name] !== undefined) field.write(writer, given[name]);
      }
      return writer.finish();
    },
    decode(bytes) {
      const reader = new BinaryReader(bytes);
      const decoded: Record<string, unknown> = { ...absent };
      while (reader.pos < reader.len) {
        const [number, wireType] = reader.tag();
        const known = byNumber.get(number);
        if (known === undefined) reader.skip(wireType, number);
        else decoded[known.name] = known.field.read(reader, decoded[known.name]);
      }
      return decoded as DecodedOf<F>;
    },
  };
}

/** `int64` that is a revision, a count or a lease id of ours: below 2^53, else it throws. */
export const int64 = (number: number): Field<number, number> => ({
  number,
  absent: 0,
  read: (reader) => safe(reader.int64()),
  write: (writer, value) => {
    if (value !== 0) writer.tag(number, WireType.Varint).int64(value);
  },
});

/** `uint64` that is a member's or a cluster's identity: any 64 bits. */
export const identity = (number: number): Field<bigint, bigint> => ({
  number,
  absent: 0n,
  read: (reader) => BigInt(reader.uint64()),
  write: (writer, value) => {
    if (value !== 0n) writer.tag(number, WireType.Varint).uint64(value);
  },
});

/** An enumeration, as its number. */
export const enumeration = (number: number): Field<number, number> => ({
  number,
  absent: 0,
  read: (reader) => reader.int32(),
  write: (writer, value) => {
    if (value !== 0) writer.tag(number, WireType.Varint).int32(value);
  },
});

export const bool = (number: number): Field<boolean, boolean> => ({
  number,
  absent: false,
  read: (reader) => reader.bool(),
  write: (writer, value) => {
    if (value) writer.tag(number, WireType.Varint).bool(true);
  },
});

export const text = (number: number): Field<string, string> => ({
  number,
  absent: '',
  read: (reader) => reader.string(),
  write: (writer, value) => {
    if (value !== '') writer.tag(number, WireType.LengthDelimited).string(value);
  },
});

export const texts = (number: number): Field<readonly string[], readonly string[]> => ({
  number,
  absent: [],
  read: (reader, before) => [...before, reader.string()],
  write: (writer, values) => {
    for (const value of values) writer.tag(number, WireType.LengthDelimited).string(value);
  },
});

const noBytes = new Uint8Array();
export const bytes = (number: number): Field<Uint8Array, Uint8Array> => ({
  number,
  absent: noBytes,
  read: (reader) => reader.bytes(),
  write: (writer, value) => {
    if (value.length > 0) writer.tag(number, WireType.LengthDelimited).bytes(value);
  },
});

/** A message within a message. Written also when it is empty, as a member of a `oneof` has to be. */
export const one = <Out, In>(
  number: number,
  type: () => Message<Out, In>,
): Field<Out | null, In | null> => ({
  number,
  absent: null,
  read: (reader) => type().decode(reader.bytes()),
  write: (writer, value) => {
    if (value === null) return;
    writer.tag(number, WireType.LengthDelimited).bytes(type().encode(value));
  },
});

export const many = <Out, In>(
  number: number,
  type: () => Message<Out, In>,
): Field<readonly Out[], readonly In[]> => ({
  number,
  absent: [],
  // Appended in place: a list of 10,000 keys must not be copied 10,000 times.
  read: (reader, before) => {
    const list = before.length === 0 ? [] : (before as Out[]);
    list.push(type().decode(reader.bytes()));
    return list;
  },
  write: (writer, values) => {
    for (const value of values) {
      writer.tag(number, WireType.LengthDelimited).bytes(type().encode(value));
    }
  },
});

function safe(value: bigint | string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is beyond 2^53`);
  return number;
}
