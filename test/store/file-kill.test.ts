import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realDisk } from '../../src/env/real/disk.ts';
import type { Store } from '../../src/store/store.ts';
import { openOn } from './file-harness.ts';

const child = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
const writers = 4;
const rounds = 10;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kennel-kill-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface Acknowledged {
  /** Last acknowledged number per writer. */
  readonly numbers: Map<number, number>;
  revision: number;
}

/** Runs the child until some time after its first acknowledgement, then SIGKILLs it. */
async function runAndKill(directory: string, acknowledged: Acknowledged): Promise<void> {
  const process = spawn(globalThis.process.execPath, [child, directory, String(writers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(process, 'exit');
  let text = '';
  let timer: NodeJS.Timeout | null = null;
  process.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    timer ??= setTimeout(() => process.kill('SIGKILL'), Math.random() * 120);
  });
  const drained = once(process.stdout, 'close');
  const [, signal] = await exited;
  await drained;
  expect(signal).toBe('SIGKILL');
  // A line that the kill cut short was not told.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue;
    const [writer = 0, number = 0, revision = 0] = line.split(' ').map(Number);
    acknowledged.numbers.set(writer, number);
    acknowledged.revision = Math.max(acknowledged.revision, revision);
  }
}

async function check(store: Store, acknowledged: Acknowledged): Promise<void> {
  const { items, revision } = await store.list('w');
  const values = new Map(items.map((item) => [item.key, item]));
  expect(revision).toBeGreaterThanOrEqual(acknowledged.revision);
  for (let writer = 0; writer < writers; writer += 1) {
    const one = values.get(`w${writer}/a`);
    const two = values.get(`w${writer}/b`);
    const last = acknowledged.numbers.get(writer) ?? 0;
    // One write may have been committed without its answer; it is there whole.
    expect([last, last + 1]).toContain(Number(one?.value ?? 0));
    expect([two?.value, two?.modRevision]).toEqual([one?.value, one?.modRevision]);
    const expected = one === undefined ? undefined : `w${writer}-${one.value}`;
    expect(one?.operations.at(-1)).toBe(expected);
  }
}

test('what a store acknowledged before SIGKILL is there afterwards, ten times in a row', async () => {
  const directory = join(root, 'store');
  const acknowledged: Acknowledged = { numbers: new Map(), revision: 0 };
  for (let round = 0; round < rounds; round += 1) {
    await runAndKill(directory, acknowledged);
    const store = await openOn(realDisk(), { directory });
    await check(store, acknowledged);
    await store.close();
    for (let writer = 0; writer < writers; writer += 1) acknowledged.numbers.delete(writer);
    const reopened = await openOn(realDisk(), { directory });
    const { items } = await reopened.list('w');
    for (const { key, value } of items) acknowledged.numbers.set(Number(key[1]), Number(value));
    await reopened.close();
  }
  expect(acknowledged.revision).toBeGreaterThan(rounds * writers);
}, 60_000);
