import { expect, test } from 'vitest';
import { splitAlternativeNames } from './alternative-names.ts';
import { formatIdentityUri, parseIdentityUri } from './identity-uri.ts';

const clusterId = '6a1f0c9e-0d5b-4b8e-9d2f-0f6f3a8b7c11';

test('names are split by type', () => {
  expect(
    splitAlternativeNames(`URI:kennel://${clusterId}/agent/n, DNS:a.b, IP Address:192.0.2.1`),
  ).toEqual([
    { type: 'URI', value: `kennel://${clusterId}/agent/n` },
    { type: 'DNS', value: 'a.b' },
    { type: 'IP Address', value: '192.0.2.1' },
  ]);
  expect(splitAlternativeNames('')).toEqual([]);
});

test('a quoted value cannot pass for a second name', () => {
  const smuggled = `DNS:"a, URI:kennel://${clusterId}/admin/root"`;
  expect(splitAlternativeNames(smuggled)).toEqual([
    { type: 'DNS', value: `a, URI:kennel://${clusterId}/admin/root` },
  ]);
  expect(splitAlternativeNames('DNS:"unfinished')).toBeNull();
  expect(splitAlternativeNames('DNS:a,URI:b')).toBeNull();
});

test('an identity URI is read back as it was written, and nothing else is read', () => {
  const identity = { clusterId, role: 'manager', name: 'mgr-1.example.org' } as const;
  const uri = formatIdentityUri(identity);
  expect(uri).toBe(`kennel://${clusterId}/manager/mgr-1.example.org`);
  expect(parseIdentityUri(uri ?? '')).toEqual(identity);
  for (const wrong of [
    `kennel://${clusterId}/root/a`,
    `kennel://${clusterId}/agent/a/b`,
    `kennel://${clusterId}/agent/`,
    `kennel://${clusterId}/agent/a?x`,
    `kennel://${clusterId}/agent/a\n`,
    `KENNEL://${clusterId}/agent/a`,
    `kennel://------------------------------------/agent/a`,
  ]) {
    expect(parseIdentityUri(wrong)).toBeNull();
  }
});
