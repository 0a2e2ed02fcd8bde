import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskError } from '../disk.ts';
import { realDisk } from './disk.ts';

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder().decode(bytes);
const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kennel-disk-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('a file keeps what was written at each position', async () => {
  const path = join(directory, 'log');
  const file = await realDisk().open(path, { create: true });
  await file.write(0, bytesOf('hello world'));
  await file.write(6, bytesOf('there'));
  await file.datasync();
  expect(await file.size()).toBe(11);
  expect(text(await file.read(0, 100))).toBe('hello there');
  expect(text(await file.read(6, 3))).toBe('the');
  await file.truncate(5);
  await file.close();
  expect(text(await realDisk().read(path))).toBe('hello');
});

test('opening an existing file with create keeps its content', async () => {
  const path = join(directory, 'log');
  await writeFile(path, 'kept');
  const file = await realDisk().open(path, { create: true });
  expect(text(await file.read(0, 10))).toBe('kept');
  await file.close();
});

test('a file that is absent is null to read and ENOENT to open', async () => {
  const path = join(directory, 'absent');
  expect(await realDisk().read(path)).toBeNull();
  const failure = await realDisk()
    .open(path, { create: false })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DiskError);
  expect(failure).toMatchObject({ code: 'ENOENT', path });
});

test('every refusal of the operating system is a DiskError with the errno name', async () => {
  const disk = realDisk();
  await expect(disk.remove(join(directory, 'x'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(disk.rename(join(directory, 'x'), join(directory, 'y'))).rejects.toMatchObject({
    code: 'ENOENT',
  });
  await expect(disk.read(directory)).rejects.toMatchObject({ name: 'DiskError', code: 'EISDIR' });
  await expect(disk.syncDirectory(join(directory, 'x'))).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(join(directory, 'file'), '');
  await expect(disk.list(join(directory, 'file'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(disk.lock(join(directory, 'none', 'lock'))).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('replace swaps the whole content, sets the mode and leaves no temporary file', async () => {
  const path = join(directory, 'identity');
  await realDisk().replace(path, bytesOf('one'), { mode: 0o644 });
  await chmod(path, 0o666);
  await realDisk().replace(path, bytesOf('two'), { mode: 0o600 });
  expect(text(await realDisk().read(path))).toBe('two');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['identity']);
});

test('a failed replace leaves the old content and no temporary file', async () => {
  const path = join(directory, 'taken');
  await realDisk().makeDirectory(path, { mode: 0o700 });
  await expect(realDisk().replace(path, bytesOf('x'), { mode: 0o600 })).rejects.toMatchObject({
    code: 'EISDIR',
  });
  expect(await readdir(directory)).toEqual(['taken']);
});

test('list is sorted, and empty for a directory that does not exist', async () => {
  for (const name of ['b', 'a', 'c']) await writeFile(join(directory, name), '');
  expect(await realDisk().list(directory)).toEqual(['a', 'b', 'c']);
  expect(await realDisk().list(join(directory, 'none'))).toEqual([]);
});

test('makeDirectory makes parents and is content when the directory exists', async () => {
  const path = join(directory, 'a', 'b');
  await realDisk().makeDirectory(path, { mode: 0o700 });
  await realDisk().makeDirectory(path, { mode: 0o700 });
  await realDisk().syncDirectory(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
});
