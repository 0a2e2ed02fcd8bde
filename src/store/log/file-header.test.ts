import { expect, test } from 'vitest';
import { StoreDamaged } from '../store-damaged.ts';
import { encodeHeader, readHeader, type FileHeader } from './file-header.ts';

const owner = { clusterId: 'cluster-1', nodeName: 'node-ä' };
const header: FileHeader = {
  kind: 'segment',
  ...owner,
  sequence: 3,
  index: 2 ** 40 + 5,
  term: 9,
  previousCrc: 0xfedcba98,
};

test('a header is read back with the crc that the records chain to', () => {
  const { bytes, crc } = encodeHeader(header);
  const file = new Uint8Array([...bytes, 1, 2, 3]);
  expect(readHeader(file, 'segment', owner, 'p')).toEqual({ header, crc, end: bytes.length });
});

test('every changed byte and every cut of a header is refused as damage', () => {
  const { bytes } = encodeHeader(header);
  for (let at = 0; at < bytes.length; at += 1) {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    for (const bad of [flipped, bytes.slice(0, at)]) {
      const result = readHeader(bad, 'segment', owner, 'p');
      expect(result).toBeInstanceOf(StoreDamaged);
      expect(result).toMatchObject({ code: 'STORE_LOG_DAMAGED' });
    }
  }
});

test('a snapshot in the place of a segment is refused', () => {
  const { bytes } = encodeHeader({ ...header, kind: 'snapshot' });
  expect(readHeader(bytes, 'segment', owner, 'p')).toMatchObject({
    because: 'it is no segment of this store',
  });
});

test('a file of another owner is named as such, with its owner', () => {
  const { bytes } = encodeHeader(header);
  const other = { clusterId: 'cluster-1', nodeName: 'node-2' };
  expect(readHeader(bytes, 'segment', other, 'p')).toMatchObject({
    code: 'STORE_WRONG_OWNER',
    because: 'it is of node node-ä in cluster cluster-1',
  });
});
