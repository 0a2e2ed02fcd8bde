import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realDisk } from '../../env/real/disk.ts';
import { rebuildManager } from './rebuild-manager.ts';
import { restoreStore } from './restore-store.ts';
import { saveManagerConfig, type ManagerConfig } from './service-config.ts';

const manager = { host: '127.0.0.1', port: 9 };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-rebuild-manager-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const configured = (change: Partial<ManagerConfig>): Promise<void> =>
  saveManagerConfig(realDisk(), directory, {
    clusterId: '0f4a2c1e-8b7d-4e6f-9a5b-1c2d3e4f5a6b',
    clusterName: 'test',
    name: 'manager-2',
    number: 2,
    address: '127.0.0.1',
    apiPort: 7400,
    sessionPort: 7401,
    witness: false,
    profile: 'default',
    store: { kind: 'raft' },
    ...change,
  });

test('M6: the only manager of a file store has nobody to copy from, and is told of backups', async () => {
  await configured({ store: { kind: 'file' } });
  expect(await rebuildManager({ directory, manager })).toMatchObject({
    kind: 'problem',
    problem: { code: 'E_CONFLICT', try: ['kennel restore FILE, from a backup'] },
  });
});

test('a manager on etcd has nothing to rebuild', async () => {
  await configured({ store: { kind: 'etcd', endpoints: ['http://127.0.0.1:2379'] } });
  expect(await rebuildManager({ directory, manager })).toMatchObject({
    problem: { code: 'E_CONFLICT', because: expect.stringContaining('etcd') },
  });
});

test('without its certificate a manager is given no number, and nothing is moved', async () => {
  await configured({});
  expect(await rebuildManager({ directory, manager })).toMatchObject({
    problem: { code: 'E_DATA_DIRECTORY' },
  });
});

test('a backup is not restored into a witness, on which nobody would lead', async () => {
  await configured({ witness: true });
  expect(await restoreStore({ directory, file: 'b', text: '' })).toMatchObject({
    problem: { code: 'E_CONFLICT', because: expect.stringContaining('witness') },
  });
});
