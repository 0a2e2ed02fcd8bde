import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { events, lifecycleMessage, metadataChangeMessage } from './domain-events.ts';
import { decodeError, errorPayload } from './errors.ts';
import { procedures } from './procedures.ts';
import { parameters } from './typed-parameters.ts';
import type { Codec } from './xdr.ts';
import { decode, encode } from './xdr.ts';

const text = fc.string({ unit: fc.constantFrom(...Array.from('ab å\u0000€😀')), maxLength: 20 });
const int = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const uint = fc.integer({ min: 0, max: 0xffff_ffff });
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const domain = fc.record({
  name: text,
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  id: int,
});
const parameter = fc.record({
  field: text,
  value: fc.oneof(
    fc.record({ type: fc.constant('int' as const), value: int }),
    fc.record({ type: fc.constant('uint' as const), value: uint }),
    fc.record({
      type: fc.constant('long' as const),
      value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    }),
    fc.record({
      type: fc.constant('ulong' as const),
      value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
    fc.record({ type: fc.constant('double' as const), value: fc.double({ noNaN: true }) }),
    fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
    fc.record({ type: fc.constant('string' as const), value: text }),
  ),
});

/** The counterexample as text, or null when every value came back as it went. */
function lossOf<T>(codec: Codec<T>, arbitrary: fc.Arbitrary<T>): string | null {
  const checked = fc.check(
    fc.property(arbitrary, (value) => {
      const encoded = encode(codec, value, 1_000_000);
      if (encoded.kind === 'malformed') throw new Error(encoded.message);
      expect(encoded.value.byteLength % 4).toBe(0);
      expect(encoded.value.byteLength).toBeGreaterThanOrEqual(codec.minBytes);
      expect(decode(codec, encoded.value)).toEqual({ kind: 'ok', value });
    }),
    { numRuns: 60 },
  );
  return checked.failed ? fc.stringify(checked.counterexample) : null;
}

describe('xdr, for any value', () => {
  it('domain statistics with typed parameters come back as they went', () => {
    const record = fc.record({ domain, parameters: fc.array(parameter, { maxLength: 6 }) });
    expect(
      lossOf(
        procedures.allDomainStats.ret,
        fc.record({ records: fc.array(record, { maxLength: 4 }) }),
      ),
    ).toBeNull();
  });

  it('metadata calls come back as they went', () => {
    expect(
      lossOf(
        procedures.setMetadata.args,
        fc.record({
          domain,
          type: int,
          metadata: orNull(text),
          key: orNull(text),
          uri: orNull(text),
          flags: uint,
        }),
      ),
    ).toBeNull();
  });

  it('events and errors come back as they went', () => {
    expect(
      lossOf(lifecycleMessage, fc.record({ callback: int, domain, event: int, detail: int })),
    ).toBeNull();
    expect(
      lossOf(
        metadataChangeMessage,
        fc.record({ callback: int, domain, type: int, uri: orNull(text) }),
      ),
    ).toBeNull();
    expect(
      lossOf(
        errorPayload,
        fc.record({
          code: int,
          subsystem: int,
          message: orNull(text),
          level: int,
          domain: orNull(domain),
          text1: orNull(text),
          text2: orNull(text),
          text3: orNull(text),
          number1: int,
          number2: int,
          network: orNull(fc.record({ name: text, uuid: domain.map(({ uuid }) => uuid) })),
        }),
      ),
    ).toBeNull();
  });

  it('every prefix of an encoding is refused', () => {
    const list = fc.array(parameter, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(list, fc.double({ min: 0, max: 0.999, noNaN: true }), (value, share) => {
        const encoded = encode(parameters, value, 100_000);
        if (encoded.kind === 'malformed') throw new Error(encoded.message);
        const part = encoded.value.subarray(0, Math.floor(encoded.value.byteLength * share));
        expect(decode(parameters, part).kind).toBe('malformed');
      }),
      { numRuns: 100 },
    );
  });

  it('any bytes are decoded or refused, and never throw', () => {
    const codecs: readonly Codec<unknown>[] = [
      ...Object.values(procedures).map((procedure) => procedure.ret as Codec<unknown>),
      lifecycleMessage,
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        for (const codec of codecs) {
          expect(['ok', 'malformed']).toContain(decode(codec, garbage).kind);
        }
        expect(['ok', 'malformed']).toContain(decodeError(garbage).kind);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the procedure table', () => {
  it('has every number once', () => {
    const numbers = Object.values(procedures).map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(new Set(Object.values(events).map(({ message }) => message)).size).toBe(2);
  });
});
