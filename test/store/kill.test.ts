import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realDisk } from '../../src/env/real/disk.ts';
import type { Store } from '../../src/store/store.ts';
import { openOn } from './solo-harness.ts';

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
  const notes = join(root, 'notes');
  const process = spawn(execPath, [child, directory, String(writers), notes], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(process, 'exit');
  process.stdout.once('data', () => {
    setTimeout(() => process.kill('SIGKILL'), Math.random() * 120);
  });
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  const text = await readFile(notes, 'utf8');
  await rm(notes);
  for (const line of text.split('\n')) {
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
