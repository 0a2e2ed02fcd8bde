import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBackup, encodeBackup } from './backup-file.ts';

const about = { clusterId: 'c-1', clusterName: 'prod', madeAt: 'then', driver: 'raft' };
const contents = fc.record({
  epoch: fc.nat(),
  items: fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme' }))),
});

test('a backup gives back what it was made of', () => {
  fc.assert(
    fc.property(contents, (content) => {
      const decoded = decodeBackup(encodeBackup(about, content), 'b');
      expect(decoded).toMatchObject({ kind: 'ok', value: { content, header: about } });
    }),
  );
});

test('a backup of which one character is changed, or that is cut off, is refused', () => {
  fc.assert(
    fc.property(contents, fc.nat(), fc.boolean(), (content, at, isCut) => {
      const text = encodeBackup(about, content);
      const index = at % text.length;
      const rest = isCut ? '' : (text[index] === 'x' ? 'y' : 'x') + text.slice(index + 1);
      const decoded = decodeBackup(text.slice(0, index) + rest, 'b');
      expect(decoded).toMatchObject({ kind: 'problem', problem: { code: 'E_BACKUP' } });
    }),
  );
});

test('a backup of a newer version is refused, and says so', () => {
  const text = encodeBackup(about, { epoch: 1, items: [] }).replace('"version":1', '"version":2');
  expect(decodeBackup(text, 'b')).toMatchObject({
    problem: { because: 'it is of version 2, this reads 1' },
  });
});
