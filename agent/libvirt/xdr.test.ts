import { describe, expect, it } from 'vitest';
import {
  array,
  decode,
  encode,
  fixedOpaque,
  int32,
  maxStringBytes,
  optional,
  string,
  struct,
  uint32,
  uint64,
} from './xdr.ts';
import type { Codec } from './xdr.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const hex = <T>(codec: Codec<T>, value: T): string => {
  const encoded = encode(codec, value, 1_000_000);
  if (encoded.kind === 'malformed') throw new Error(encoded.message);
  return Buffer.from(encoded.value).toString('hex');
};
const why = (result: { kind: string; message?: string }): string =>
  result.kind === 'malformed' ? (result.message ?? '') : 'accepted';

describe('xdr', () => {
  it('integers are big endian and keep their sign', () => {
    expect(hex(int32, -2)).toBe('fffffffe');
    expect(hex(uint32, 0xdead_beef)).toBe('deadbeef');
    expect(hex(uint64, 9_000_000n)).toBe('0000000000895440');
  });

  it('text is counted in bytes and padded to four with zeroes', () => {
    expect(hex(string, 'åb')).toBe('00000003c3a56200');
    expect(hex(string, '')).toBe('00000000');
    expect(hex(fixedOpaque(3), bytes(1, 2, 3))).toBe('01020300');
  });

  it('a null pointer is one zero word', () => {
    expect(hex(optional(string), null)).toBe('00000000');
    expect(hex(optional(uint32), 5)).toBe('0000000100000005');
    expect(decode(optional(uint32), bytes(0, 0, 0, 2, 0, 0, 0, 5)).kind).toBe('malformed');
  });

  it('a value that does not fit its type is refused, not cut', () => {
    for (const value of [0x8000_0000, -0x8000_0001, 1.5, Number.NaN, Infinity]) {
      expect(encode(int32, value, 100).kind).toBe('malformed');
    }
    expect(encode(uint32, -1, 100).kind).toBe('malformed');
    expect(encode(uint64, -1n, 100).kind).toBe('malformed');
    expect(encode(fixedOpaque(4), bytes(1), 100).kind).toBe('malformed');
    expect(encode(array(int32, 1), [1, 2], 100).kind).toBe('malformed');
  });

  it('a message over its bound is refused while it is written', () => {
    expect(why(encode(string, 'x'.repeat(100), 64))).toBe('message over 64 bytes');
    expect(encode(string, 'x'.repeat(60), 64).kind).toBe('ok');
  });

  it('a buffer that grows in the middle of a value keeps it', () => {
    const many = Array.from({ length: 1000 }, (_, index) => index);
    const codec = struct<{ head: string; items: readonly number[] }>({
      head: string,
      items: array(uint32, 1000),
    });
    const encoded = encode(codec, { head: 'x'.repeat(251), items: many }, 1_000_000);
    expect(encoded.kind === 'ok' && decode(codec, encoded.value)).toEqual({
      kind: 'ok',
      value: { head: 'x'.repeat(251), items: many },
    });
  });

  it('a length that claims more than is there is refused before it is used', () => {
    expect(why(decode(string, bytes(0, 0, 0, 9, 65)))).toBe('needs 12 bytes, 1 are left');
    expect(why(decode(string, bytes(0xff, 0xff, 0xff, 0xff)))).toContain('over the limit');
    const tooLong = new Uint8Array(8);
    new DataView(tooLong.buffer).setUint32(0, maxStringBytes + 1);
    expect(why(decode(string, tooLong))).toContain('over the limit');
  });

  it('a count that cannot fit is refused before the first item is read', () => {
    const list = array(struct<{ a: number; b: string }>({ a: int32, b: string }), 16_384);
    expect(why(decode(list, bytes(0, 0, 0x40, 0, 1, 2, 3, 4)))).toContain(
      'cannot fit into 4 bytes',
    );
    expect(why(decode(list, bytes(0, 0, 0x40, 1)))).toContain('over the limit of 16384');
  });

  it('bytes left over are refused', () => {
    expect(why(decode(int32, bytes(0, 0, 0, 1, 0)))).toBe('1 bytes left over');
  });

  it('what was read does not change when the received bytes do', () => {
    const received = bytes(1, 2, 3, 4);
    const decoded = decode(fixedOpaque(4), received);
    received.fill(9);
    expect(decoded).toEqual({ kind: 'ok', value: bytes(1, 2, 3, 4) });
  });
});
