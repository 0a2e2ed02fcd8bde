import { expect, test } from 'vitest';
import { OutputBuffer } from './output-buffer.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (taken: Uint8Array | null): string | null =>
  taken === null ? null : new TextDecoder().decode(taken);

test('what is pushed is taken in order, in pieces no larger than asked for', () => {
  const buffer = new OutputBuffer({ maxBytes: 100, over: 'leaveOut' });
  buffer.push(bytes('hello '));
  buffer.push(bytes('world'));
  expect([4, 4, 4, 4].map((most) => text(buffer.take(most)))).toEqual(['hell', 'o ', 'worl', 'd']);
  expect(buffer.take(4)).toBeNull();
  expect(buffer.isEmpty).toBe(true);
});

test('a console that nobody reads keeps its newest bytes and tells how many are gone', () => {
  const buffer = new OutputBuffer({ maxBytes: 10, over: 'leaveOut' });
  for (let piece = 0; piece < 7; piece += 1) expect(buffer.push(bytes(`abc${piece}`))).toBe(true);
  expect(text(buffer.take(5))).toBe('\r\n[18 bytes left out]\r\n');
  expect(text(buffer.take(100))).toBe('c4'.slice(0, 2));
  expect(text(buffer.take(100))).toBe('abc5');
  expect(text(buffer.take(100))).toBe('abc6');
  expect(buffer.isEmpty).toBe(true);
});

test('a picture is taken whole or not at all', () => {
  const buffer = new OutputBuffer({ maxBytes: 10, over: 'fail' });
  expect(buffer.push(bytes('12345678'))).toBe(true);
  expect(buffer.push(bytes('901'))).toBe(false);
  expect(buffer.push(bytes('90'))).toBe(true);
});
