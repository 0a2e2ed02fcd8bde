import { expect, test } from 'vitest';
import { storeConfigOf, storeConfigSchema } from './store-config.ts';

test('a store without options needs none', () => {
  expect(storeConfigOf({ kind: 'raft' })).toMatchObject({ kind: 'ok', value: { kind: 'raft' } });
});

test('an etcd with everything is taken as it is', () => {
  const etcd = {
    endpoints: ['https://etcd-1:2379', 'https://[fd00::2]:2379'],
    ca: '/etc/ca.crt',
    certificate: '/etc/a.crt',
    key: '/etc/a.key',
    serverName: 'etcd',
    user: 'kennel',
    passwordFile: '/etc/password',
  };
  expect(storeConfigOf({ kind: 'etcd', ...etcd })).toMatchObject({
    kind: 'ok',
    value: { kind: 'etcd', ...etcd },
  });
});

test.each([
  ['no endpoint', { endpoints: [] }],
  ['an endpoint without a scheme', { endpoints: ['etcd-1:2379'] }],
  ['an endpoint with a path', { endpoints: ['http://etcd-1:2379/v3'] }],
  ['an endpoint with a password', { endpoints: ['http://root:secret@etcd-1:2379'] }],
  ['both schemes', { endpoints: ['http://a:2379', 'https://b:2379'] }],
  ['an authority in the clear', { endpoints: ['http://a:2379'], ca: '/ca' }],
  ['a certificate without a key', { endpoints: ['https://a:2379'], certificate: '/a' }],
  ['a user without a password file', { endpoints: ['https://a:2379'], user: 'kennel' }],
  ['a relative path', { endpoints: ['https://a:2379'], ca: 'ca.crt' }],
])('%s is refused', (_, etcd) => {
  const refused = storeConfigOf({ kind: 'etcd', ...etcd });
  expect(refused).toMatchObject({ kind: 'problem', problem: { code: 'E_USAGE' } });
  expect(JSON.stringify(refused)).not.toContain('secret');
  expect(storeConfigSchema.safeParse({ kind: 'etcd', ...etcd }).success).toBe(false);
});
