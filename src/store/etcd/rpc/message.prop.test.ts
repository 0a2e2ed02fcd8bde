import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bool,
  bytes,
  enumeration,
  identity,
  int64,
  many,
  message,
  one,
  text,
  texts,
} from './message.ts';
import { txnRequest } from './messages.ts';

const inner = message({ id: int64(1), name: text(2) });
const everything = message({
  number: int64(1),
  identity: identity(2),
  choice: enumeration(3),
  flag: bool(4),
  name: text(5),
  names: texts(6),
  raw: bytes(7),
  one: one(8, () => inner),
  many: many(9, () => inner),
});

const innerValue = fc.record({
  id: fc.integer({ min: -1 }),
  name: fc.string({ unit: 'grapheme' }),
});
const value = fc.record({
  number: fc.maxSafeInteger(),
  identity: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  choice: fc.nat(),
  flag: fc.boolean(),
  name: fc.string({ unit: 'grapheme' }),
  names: fc.array(fc.string()),
  raw: fc.uint8Array(),
  one: fc.option(innerValue),
  many: fc.array(innerValue),
});

test('a message is read as it was written', () => {
  fc.assert(
    fc.property(value, (given) => {
      expect(everything.decode(everything.encode(given))).toEqual(given);
    }),
  );
});

test('fields that are not known are skipped, fields that are not there are absent', () => {
  const newer = message({ id: int64(1), extra: many(15, () => everything), more: text(31) });
  fc.assert(
    fc.property(value, (given) => {
      const written = newer.encode({ id: 7, extra: [given, given], more: 'x' });
      expect(inner.decode(written)).toEqual({ id: 7, name: '' });
    }),
  );
});

test('a list is never shared between two messages', () => {
  const encoded = everything.encode({ many: [{ id: 1 }] });
  expect(everything.decode(encoded).many).toHaveLength(1);
  expect(everything.decode(encoded).many).toHaveLength(1);
  expect(everything.decode(new Uint8Array()).many).toEqual([]);
});

test('a number beyond 2^53 is an error, not another number', () => {
  const wide = message({ number: identity(1) });
  const encoded = wide.encode({ number: 2n ** 60n });
  expect(() => everything.decode(encoded)).toThrow('beyond 2^53');
});

test('transactions lie in transactions, and an empty member of a choice is sent', () => {
  const request = txnRequest.decode(
    txnRequest.encode({ success: [{ txn: { success: [{ put: {} }] } }] }),
  );
  expect(request.success[0]?.txn?.success[0]).toMatchObject({ range: null, txn: null });
  expect(request.success[0]?.txn?.success[0]?.put).not.toBeNull();
});
