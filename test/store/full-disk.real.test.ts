import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { operationId } from '../../src/core/model/ids.ts';
import { realDisk } from '../../src/env/real/disk.ts';
import type { Store, WriteOutcome } from '../../src/store/store.ts';
import { openOn } from './solo-harness.ts';

/** A file system of its own needs root, mkfs and a loop device. */
function canMount(): boolean {
  try {
    execFileSync('mkfs.ext4', ['-V'], { stdio: 'ignore' });
    execFileSync('losetup', ['-f'], { stdio: 'ignore' });
    return getuid?.() === 0;
  } catch {
    return false;
  }
}

const limits = {
  segmentBytes: 64 << 10,
  snapshotEntries: 1_000_000,
  reserveBytes: 1 << 20,
  spaceCheckMs: 100,
  deadlineMs: 10_000,
};

let root: string;
let mount: string;
let count = 0;

function put(store: Store, key: string): Promise<WriteOutcome> {
  count += 1;
  return store.txn({
    operation: operationId(`op-${count}`),
    compare: [],
    then: [{ kind: 'put', key, value: `${count} ${'x'.repeat(4_000)}` }],
  });
}

/** Takes all space but what the file system rounds away. */
async function fillUp(): Promise<void> {
  const ballast = join(mount, 'ballast');
  for (const size of [1 << 20, 1 << 16, 1 << 12]) {
    for (;;) {
      const failed = await appendFile(ballast, new Uint8Array(size)).then(
        () => false,
        () => true,
      );
      if (failed) break;
    }
  }
}

describe.skipIf(!canMount())('a full ext4 (needs root, mkfs.ext4 and a loop device)', () => {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'kennel-full-'));
    mount = join(root, 'mount');
    mkdirSync(mount);
    writeFileSync(join(root, 'image'), '');
    truncateSync(join(root, 'image'), 24 << 20);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', join(root, 'image')]);
    execFileSync('mount', ['-o', 'loop', join(root, 'image'), mount]);
  });
  afterEach(() => {
    execFileSync('umount', [mount]);
    rmSync(root, { recursive: true, force: true });
  });

  test('M8: fence writes go on from the reserve, others when there is space again', async () => {
    const directory = join(mount, 'store');
    let store = await openOn(realDisk(), { directory, limits });
    try {
      expect(await put(store, 'vm/a')).toMatchObject({ kind: 'committed' });
      await fillUp();
      let outcome = await put(store, 'vm/a');
      for (let tries = 0; outcome.kind === 'committed' && tries < 1_000; tries += 1) {
        outcome = await put(store, 'vm/a');
      }
      expect(outcome).toMatchObject({ kind: 'refused', because: 'readOnly' });
      for (let write = 0; write < 100; write += 1) {
        expect(await put(store, 'fence/F-1')).toMatchObject({ kind: 'committed' });
      }
      const before = await store.list('');
      // A manager that restarts on the full disk comes up, and can still fence.
      await store.close();
      store = await openOn(realDisk(), { directory, limits });
      expect(await store.list('')).toEqual(before);
      expect(store.status().readOnly).toContain('no space left');
      expect(await put(store, 'fence/F-2')).toMatchObject({ kind: 'committed' });
      expect(await put(store, 'vm/b')).toMatchObject({ because: 'readOnly' });
      await rm(join(mount, 'ballast'));
      await vi.waitFor(() => expect(store.status().readOnly).toBeNull(), { timeout: 5_000 });
      expect(await put(store, 'vm/b')).toMatchObject({ kind: 'committed' });
    } finally {
      await store.close();
    }
  });
});
