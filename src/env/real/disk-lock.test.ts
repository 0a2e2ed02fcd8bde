import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realDisk } from './disk.ts';

const diskModule = new URL('./disk.ts', import.meta.url).href;
const contender = `
  const { realDisk } = await import(process.argv[1]);
  const result = await realDisk().lock(process.argv[2]);
  console.log(result.kind);
  process.stdin.resume();
`;

let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kennel-lock-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(stop));
  await rm(directory, { recursive: true, force: true });
});

function startContender(path: string): { child: ChildProcess; answer: Promise<string> } {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', contender, diskModule, path],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.push(child);
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface(child.stdout);
  const answer = once(lines, 'line').then(([line]) => String(line));
  return { child, answer };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('lock on a path', () => {
  test('a second lock in the same process is held, and free after release', async () => {
    const path = join(directory, 'store.lock');
    const first = await realDisk().lock(path);
    const second = await realDisk().lock(path);
    expect(first.kind).toBe('locked');
    expect(second).toMatchObject({
      kind: 'held',
      holder: expect.stringContaining(`pid ${process.pid}`),
    });
    if (first.kind === 'locked') await first.release();
    const third = await realDisk().lock(path);
    expect(third.kind).toBe('locked');
    if (third.kind === 'locked') await third.release();
    expect(await readdir(directory)).toEqual([]);
  });

  test('a lock of another name in the same directory is a lock of its own', async () => {
    const one = await realDisk().lock(join(directory, 'store.lock'));
    const two = await realDisk().lock(join(directory, 'store.lock2'));
    expect([one.kind, two.kind]).toEqual(['locked', 'locked']);
    for (const lock of [one, two]) if (lock.kind === 'locked') await lock.release();
  });

  test('the lock of a killed process is free, and its file is gone', async () => {
    const path = join(directory, 'store.lock');
    const { child, answer } = startContender(path);
    expect(await answer).toBe('locked');
    expect(await realDisk().lock(path)).toMatchObject({ kind: 'held' });
    await stop(child);
    expect(await readdir(directory)).toHaveLength(1);
    const taken = await realDisk().lock(path);
    expect(taken.kind).toBe('locked');
    expect(await readdir(directory)).toHaveLength(1);
    if (taken.kind === 'locked') await taken.release();
  });

  test('a stopped process keeps its lock', async () => {
    const path = join(directory, 'store.lock');
    const { child, answer } = startContender(path);
    expect(await answer).toBe('locked');
    child.kill('SIGSTOP');
    expect(await realDisk().lock(path)).toMatchObject({ kind: 'held' });
  });

  test('of several processes that race for a dead lock exactly one or none wins', async () => {
    const path = join(directory, 'store.lock');
    const dead = startContender(path);
    expect(await dead.answer).toBe('locked');
    await stop(dead.child);
    const rivals = Array.from({ length: 5 }, () => startContender(path));
    const answers = await Promise.all(rivals.map((rival) => rival.answer));
    expect(answers.filter((kind) => kind === 'locked').length).toBeLessThanOrEqual(1);
    expect(answers.filter((kind) => kind === 'held').length).toBeGreaterThanOrEqual(4);
  });

  test('locks taken at the same moment within one process never both win', async () => {
    const path = join(directory, 'store.lock');
    for (let round = 0; round < 3; round += 1) {
      const results = await Promise.all(Array.from({ length: 4 }, () => realDisk().lock(path)));
      const winners = results.filter((result) => result.kind === 'locked');
      expect(winners.length).toBeLessThanOrEqual(1);
      await Promise.all(winners.map((winner) => winner.release()));
    }
  });

  test('a directory path longer than a socket address can be locked', async () => {
    const deep = join(directory, 'd'.repeat(120));
    await realDisk().makeDirectory(deep, { mode: 0o700 });
    const lock = await realDisk().lock(join(deep, 'store.lock'));
    expect(lock.kind).toBe('locked');
    if (lock.kind === 'locked') await lock.release();
  });

  test('a file that only looks like a lock and does not answer is not removed blindly', async () => {
    await writeFile(join(directory, 'store.lock.notes'), 'mine');
    const lock = await realDisk().lock(join(directory, 'store.lock'));
    expect(lock.kind).toBe('locked');
    if (lock.kind === 'locked') await lock.release();
    expect(await readdir(directory)).toEqual(['store.lock.notes']);
  });
});
