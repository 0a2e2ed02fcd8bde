import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from './framing.ts';
import { encodeMessage, FrameReader, keepaliveMessage, maxMessageBytes } from './framing.ts';

function readAll(reader: FrameReader): Message[] {
  const messages: Message[] = [];
  for (let framed = reader.next(); framed.kind === 'message'; framed = reader.next()) {
    messages.push(framed.message);
  }
  return messages;
}

const lengthOnly = (length: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
};

describe('framing', () => {
  it('a ping is 28 bytes: length, program "keep", version, procedure, type event', () => {
    expect(Buffer.from(keepaliveMessage(1)).toString('hex')).toBe(
      ['0000001c', '6b656570', '00000001', '00000001', '00000002', '00000000', '00000000'].join(''),
    );
  });

  it('messages come out whole and in order however the bytes are cut', () => {
    const header = fc.record({
      program: fc.constantFrom(0x2000_8086, 0x6b65_6570),
      version: fc.constant(1),
      procedure: fc.integer({ min: 0, max: 500 }),
      type: fc.integer({ min: 0, max: 2 }),
      serial: fc.integer({ min: 0, max: 0xffff_ffff }),
      status: fc.integer({ min: 0, max: 1 }),
    });
    const message = fc.record({ header, payload: fc.uint8Array({ maxLength: 60 }) });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map((m) => encodeMessage(m.header, m.payload)));
          const reader = new FrameReader();
          const seen: Message[] = [];
          for (let at = 0, turn = 0; at < stream.byteLength; turn += 1) {
            const length = cuts[turn % cuts.length] ?? 1;
            reader.push(new Uint8Array(stream.subarray(at, at + length)));
            at += length;
            seen.push(...readAll(reader));
          }
          expect(seen.map((m) => ({ header: m.header, payload: [...m.payload] }))).toEqual(
            messages.map((m) => ({ header: m.header, payload: [...m.payload] })),
          );
          expect(reader.next().kind).toBe('incomplete');
        },
      ),
      { numRuns: 150 },
    );
  });

  it('a length word out of bounds is refused at once, without waiting for the rest', () => {
    for (const length of [0, 27, maxMessageBytes + 1, 0xffff_ffff]) {
      const reader = new FrameReader();
      reader.push(lengthOnly(length));
      expect(reader.next()).toMatchObject({ kind: 'malformed' });
    }
  });

  it('the largest length word reserves no memory before the bytes come', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 50 }, () => {
      const reader = new FrameReader();
      reader.push(lengthOnly(maxMessageBytes));
      expect(reader.next().kind).toBe('incomplete');
      return reader;
    });
    expect(readers).toHaveLength(50);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(maxMessageBytes);
  });
});
