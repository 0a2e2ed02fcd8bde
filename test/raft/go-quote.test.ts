import { describe, expect, it } from 'vitest';
import { goQuote } from './go-quote.ts';

describe('a quoted string of Go', () => {
  it.each([
    ['plain', '"plain"'],
    ['with "quotes" and \\', '"with \\"quotes\\" and \\\\"'],
    ['a\nb\tc\u0001', '"a\\nb\\tc\\x01"'],
    ['grün 犬 🐕', '"grün 犬 🐕"'],
    ['no\u200bwidth', '"no\\u200bwidth"'],
  ])('of %j is %s', (text, quoted) => {
    expect(goQuote(new TextEncoder().encode(text))).toBe(quoted);
  });

  it('shows bytes that are no text by their numbers', () => {
    expect(goQuote(Uint8Array.of(0xff, 0x41, 0xc3))).toBe('"\\xffA\\xc3"');
  });
});
