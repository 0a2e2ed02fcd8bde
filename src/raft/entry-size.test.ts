import { describe, expect, it } from 'vitest';
import { entrySize, limitSize, payloadSize } from './entry-size.ts';
import type { Entry } from './types.ts';

function entry(index: number, size: number | null, type: Entry['type'] = 'normal'): Entry {
  return { index, term: 1, type, data: size === null ? null : new Uint8Array(size) };
}

describe('the size of an entry', () => {
  it('is that of its protobuf form', () => {
    expect(entrySize(entry(1, null))).toBe(4);
    expect(entrySize(entry(127, 0))).toBe(6);
    expect(entrySize(entry(128, 0))).toBe(7);
    expect(entrySize(entry(1, 200))).toBe(4 + 3 + 200);
    expect(entrySize(entry(1, 3, 'confChangeV2'))).toBe(4 + 2 + 2 + 3);
    expect(payloadSize([entry(1, 3), entry(2, null)])).toBe(3);
  });

  it('limits a batch, but never to nothing', () => {
    const all = [entry(1, 2), entry(2, 2), entry(3, 2)];
    expect(limitSize(all, 0)).toHaveLength(1);
    expect(limitSize(all, 16)).toHaveLength(2);
    expect(limitSize(all, 24)).toHaveLength(3);
    expect(limitSize([], 0)).toEqual([]);
  });
});
