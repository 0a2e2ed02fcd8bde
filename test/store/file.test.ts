import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { realDisk } from '../../src/env/real/disk.ts';
import type { Store } from '../../src/store/store.ts';
import { storeConformance } from './conformance.ts';
import { openOn } from './file-harness.ts';

storeConformance('file (simulated disk)', async () => {
  const disk = new SimDisk();
  let own = disk.attach('the store');
  let store: Store = await openOn(own);
  const restart = async (): Promise<void> => {
    disk.crash({ content: 'none', names: 'none' });
    own = disk.attach('the store');
    store = await openOn(own);
  };
  return {
    historyLimit: 40,
    connect: () => Promise.resolve(store),
    restart,
    ambiguousNextWrite: async (_client, effect) => {
      await Promise.resolve();
      // A failed sync leaves the write in the page cache; a failed write leaves nothing.
      const operation = effect === 'evaluated' ? 'datasync' : 'write';
      disk.inject({ operation, path: 'log-', code: 'EIO' });
      return {
        after: async () => {
          own.kill();
          own = disk.attach('the store');
          store = await openOn(own);
          return store;
        },
      };
    },
    expire: null,
    stop: () => store.close(),
  };
});

storeConformance('file (real disk)', async () => {
  const root = await mkdtemp(join(tmpdir(), 'kennel-store-'));
  const directory = join(root, 'store');
  const limits = { segmentBytes: 4096, snapshotEntries: 50 };
  // Faults are put between the store and the real disk.
  let fault: 'datasync' | 'write' | null = null;
  const disk = realDisk();
  const faulty: typeof disk = {
    ...disk,
    open: async (path, options) => {
      const file = await disk.open(path, options);
      const fail = async (): Promise<never> => {
        await Promise.resolve();
        fault = null;
        throw new Error('injected');
      };
      return {
        size: () => file.size(),
        read: (position, length) => file.read(position, length),
        write: (position, bytes) => (fault === 'write' ? fail() : file.write(position, bytes)),
        truncate: (length) => file.truncate(length),
        datasync: () => (fault === 'datasync' ? fail() : file.datasync()),
        close: () => file.close(),
      };
    },
  };
  let store: Store = await openOn(faulty, { directory, limits });
  const restart = async (): Promise<void> => {
    await store.close();
    store = await openOn(faulty, { directory, limits });
  };
  return {
    historyLimit: 40,
    connect: () => Promise.resolve(store),
    restart,
    ambiguousNextWrite: async (_client, effect) => {
      await Promise.resolve();
      fault = effect === 'evaluated' ? 'datasync' : 'write';
      return {
        after: async () => {
          await restart();
          return store;
        },
      };
    },
    expire: null,
    stop: async () => {
      await store.close();
      await rm(root, { recursive: true, force: true });
    },
  };
});
