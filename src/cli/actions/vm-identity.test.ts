import { expect, test } from 'vitest';
import { kennel, ok } from '../testing/fake-world.ts';
import { sampleVm } from '../testing/sample-views.ts';
import { readSource } from './vm-identity.ts';

test.each([
  ['nbd://store-1:10809/db-2', { kind: 'nbd', host: 'store-1', port: 10_809, export: 'db-2' }],
  ['nbd://[::1]:1/x', { kind: 'nbd', host: '[::1]', port: 1, export: 'x' }],
  ['rbd:pool/a/b', { kind: 'rbd', pool: 'pool', image: 'a/b' }],
  [
    'iscsi://10.0.0.1:3260/iqn.2026-01.x:y/3',
    { kind: 'iscsi', portal: '10.0.0.1:3260', target: 'iqn.2026-01.x:y', lun: 3 },
  ],
  ['shared:/srv/a.qcow2', { kind: 'sharedFile', path: '/srv/a.qcow2' }],
])('%s says where a disk lies', (text, source) => {
  expect(readSource(text)).toEqual(source);
});

test('a clone names its disks, and a source that is none is refused before anything is asked', async () => {
  const asked: unknown[] = [];
  const client = {
    cloneVm: async (vm: string, body: object) => {
      asked.push([vm, body]);
      return ok(sampleVm({ name: 'db-2', state: 'stopped', node: null }));
    },
  };
  const bad = await kennel('vm clone db-1 db-2 --disk /srv/x', { client });
  expect(bad.code).toBe(64);
  expect(asked).toEqual([]);
  const { out } = await kennel('vm clone db-1 db-2 --disk shared:/srv/x --request r', { client });
  expect(out).toContain('vm db-2: is made like db-1');
  const disks = [{ kind: 'sharedFile', path: '/srv/x' }];
  expect(asked).toEqual([
    ['db-1', { name: 'db-2', disks, desired: 'stopped', node: null, request: 'r' }],
  ]);
});

test('a rename sends the new name', async () => {
  const client = { renameVm: async () => ok(sampleVm({ name: 'pg' })) };
  const { out } = await kennel('vm rename db pg', { client });
  expect(out).toBe('vm db: is pg\n');
});
