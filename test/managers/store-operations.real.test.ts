import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ManagersView } from '../../src/api/schema/managers.ts';
import type { MigrateStoreResult } from '../../src/cli/start-functions.ts';
import { EtcdCluster } from '../store/etcd/etcd-cluster.ts';
import { freePort, kennel, ManagerProcess, type Finished } from './manager-process.ts';

let directory: string;
let manager: ManagerProcess;
const file = (name: string): string => join(directory, name);
const run = (line: string): Promise<Finished> =>
  kennel(line.split(' '), { config: join(manager.directory, 'admin', 'admin.yaml') });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-store-operations-'));
  const ports = [await freePort(), await freePort()] as const;
  manager = new ManagerProcess('manager-1', file('m'), ports);
});
afterEach(async () => {
  await manager.kill();
  rmSync(directory, { recursive: true });
});

const init = (store: string): Promise<Finished> =>
  run(
    `init --name test --address 127.0.0.1 --directory ${file('m')} --api-port ${manager.apiPort} --session-port ${manager.sessionPort} --store ${store}`,
  );

/** The manager runs and leads. */
async function leads(): Promise<ManagersView> {
  manager.start();
  return vi.waitFor(
    async () => {
      const view = JSON.parse((await run('manager ls -o json')).out) as ManagersView;
      if (view.leader === null) throw new Error('nobody leads yet');
      return view;
    },
    { timeout: 30_000, interval: 200 },
  );
}

test(
  'M7: a backup comes back into an empty store, and epochs go on far above',
  { timeout: 60_000 },
  async () => {
    const store = 'raft';
    await init(store);
    const before = await leads();
    expect((await run('node token --node node-1')).code).toBe(0);
    const made = await run(`backup ${file('b')} -o json`);
    const { contentHash, keys } = JSON.parse(made.out) as { contentHash: string; keys: number };
    await manager.kill();
    const offline = await run(`backup ${file('b2')} --directory ${file('m')} -o json`);
    expect(JSON.parse(offline.out)).toMatchObject({ contentHash, keys });
    const refused = await run(`restore ${file('b')} --directory ${file('m')} -y`);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.errors).toContain('is not empty');
    renameSync(file('m/store'), file('m/store.old'));
    writeFileSync(file('bad'), readFileSync(file('b'), 'utf8').replace('node-1', 'node-2'));
    const damaged = await run(`restore ${file('bad')} --directory ${file('m')} -y`);
    expect(damaged.errors).toContain('E_BACKUP');
    const restored = await run(`restore ${file('b')} --directory ${file('m')} -y -o json`);
    expect(JSON.parse(restored.out)).toMatchObject({ driver: store, contentHash });
    const after = await leads();
    expect(after.epoch).toBeGreaterThan(before.epoch + 1_000_000);
    expect((await run('events')).out).toContain('node-1 may join');
  },
);

/** Stops the manager and moves its store. */
async function move(line: string): Promise<MigrateStoreResult> {
  await manager.kill();
  return JSON.parse((await run(line)).out) as MigrateStoreResult;
}

test(
  'a store moves from raft to etcd and back with one content, and epochs go on upwards',
  { timeout: 90_000 },
  async () => {
    const etcd = await EtcdCluster.start(1);
    try {
      const [endpoint] = etcd.endpoints;
      await init('raft');
      const before = await leads();
      const there = `store migrate --from raft --to etcd --etcd-endpoint http://127.0.0.1:${endpoint?.port}`;
      const out = `${there} --directory ${file('m')} -y -o json`;
      expect((await run(out)).errors).toContain('E_STORE_LOCKED');
      const moved = await move(out);
      const onEtcd = await leads();
      expect(onEtcd.store.driver).toBe('etcd');
      expect(onEtcd.epoch).toBeGreaterThan(before.epoch);
      const back = `store migrate --from etcd --to raft --directory ${file('m')} -y -o json`;
      await manager.kill();
      // Until its lease is over etcd does not know that the manager is gone; then the old store is in the way.
      await vi.waitFor(async () => expect((await run(back)).errors).toContain('E_CONFLICT'), {
        timeout: 20_000,
        interval: 500,
      });
      renameSync(file('m/store'), file('m/store.old'));
      const returned = await move(back);
      expect(moved.from.contentHash).toBe(moved.to.contentHash);
      expect(returned.from.contentHash).toBe(returned.to.contentHash);
      const after = await leads();
      expect(after.store.driver).toBe('raft');
      expect(after.epoch).toBeGreaterThan(onEtcd.epoch);
    } finally {
      await manager.kill();
      await etcd.remove();
    }
  },
);
