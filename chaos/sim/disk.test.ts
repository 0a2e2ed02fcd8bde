import { describe, expect, test } from 'vitest';
import { SimDisk, type CrashOptions } from './disk.ts';
import { VirtualTime } from './virtual-time.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder().decode(bytes);
const lost: CrashOptions = { content: 'none', names: 'none' };

/** A disk with one durable file, `/d/f`, that holds `old`. */
function disk(fraction: () => number = () => 0.5): SimDisk {
  const made = new SimDisk({ fraction });
  made.place('/d/f', bytesOf('old'));
  return made;
}

async function readAfter(it: SimDisk, crash: CrashOptions, path = '/d/f'): Promise<string | null> {
  it.crash(crash);
  return textOf(await it.read(path));
}

describe('content', () => {
  test('what was not synced is readable until a crash, and then lost', async () => {
    const it = disk();
    const file = await it.open('/d/f', { create: false });
    await file.write(0, bytesOf('newer'));
    expect(textOf(await file.read(0, 99))).toBe('newer');
    expect(await readAfter(it, lost)).toBe('old');
  });

  test('what was synced survives a crash', async () => {
    const it = disk();
    const file = await it.open('/d/f', { create: false });
    await file.write(0, bytesOf('newer'));
    await file.datasync();
    await file.truncate(2);
    expect(await readAfter(it, lost)).toBe('newer');
  });

  test('a kill loses nothing that was written, and makes nothing durable', async () => {
    const it = disk();
    const file = await it.open('/d/f', { create: false });
    await file.write(0, bytesOf('newer'));
    it.kill();
    expect(textOf(await it.read('/d/f'))).toBe('newer');
    expect(await readAfter(it, lost)).toBe('old');
  });

  test('torn: all but the last write survive, and of that one a beginning', async () => {
    const it = disk(() => 0.5);
    const file = await it.open('/d/f', { create: false });
    await file.write(3, bytesOf('|AAAA'));
    await file.write(8, bytesOf('|BBBB'));
    expect(await readAfter(it, { content: 'torn', names: 'none' })).toBe('old|AAAA|BB');
  });

  test('random: each sector has an age of its own; lost ones in a grown file read as zeros', async () => {
    // Length new; sectors: new, old, new.
    const draws = [0.9, 0.9, 0.1, 0.9];
    const it = new SimDisk({ fraction: () => draws.shift() ?? 0 });
    it.place('/d/f', new Uint8Array(0));
    const file = await it.open('/d/f', { create: false });
    await file.write(0, new Uint8Array(1200).fill(7));
    it.crash({ content: 'random', names: 'all' });
    const content = it.content('/d/f');
    expect(content.length).toBe(1200);
    expect([content[0], content[511], content[512], content[1023], content[1024]]).toEqual([
      7, 7, 0, 0, 7,
    ]);
  });

  test('a failed sync leaves the data readable, clean, and never durable', async () => {
    const it = disk();
    const file = await it.open('/d/f', { create: false });
    await file.write(0, bytesOf('newer'));
    it.inject({ operation: 'datasync', code: 'EIO' });
    await expect(file.datasync()).rejects.toMatchObject({ name: 'DiskError', code: 'EIO' });
    await file.datasync();
    expect(textOf(await file.read(0, 9))).toBe('newer');
    expect(await readAfter(it, lost)).toBe('old');
  });

  test('bit rot is seen by every reader and survives a crash', async () => {
    const it = disk();
    it.flip('/d/f', 1, 0xff);
    expect(textOf(await it.read('/d/f'))).not.toBe('old');
    it.crash(lost);
    it.flip('/d/f', 1, 0xff);
    expect(textOf(await it.read('/d/f'))).toBe('old');
  });
});

describe('names', () => {
  test('a created file is gone after a crash unless its directory was synced', async () => {
    for (const synced of [false, true]) {
      const it = disk();
      const file = await it.open('/d/new', { create: true });
      await file.write(0, bytesOf('x'));
      await file.datasync();
      if (synced) await it.syncDirectory('/d');
      expect(await readAfter(it, lost, '/d/new')).toBe(synced ? 'x' : null);
    }
  });

  test('a rename happened or not, never both names and never neither', async () => {
    for (const names of ['none', 'all'] as const) {
      const it = disk();
      await it.rename('/d/f', '/d/g');
      expect(await it.list('/d')).toEqual(['g']);
      it.crash({ content: 'none', names });
      expect(await it.list('/d')).toEqual([names === 'all' ? 'g' : 'f']);
    }
  });

  test('a removed file comes back when the directory was not synced', async () => {
    const it = disk();
    await it.remove('/d/f');
    expect(await it.read('/d/f')).toBeNull();
    expect(await readAfter(it, lost)).toBe('old');
  });

  test('random keeps the first of the unsynced changes, in their order', async () => {
    const it = disk(() => 0.5);
    for (const name of ['a', 'b', 'c', 'd']) await it.open(`/d/${name}`, { create: true });
    it.crash({ content: 'none', names: 'random' });
    expect(await it.list('/d')).toEqual(['a', 'b', 'f']);
  });

  test('a directory that is not durable takes everything under it away', async () => {
    const it = disk();
    await it.makeDirectory('/d/sub');
    const file = await it.open('/d/sub/x', { create: true });
    await file.datasync();
    await it.syncDirectory('/d/sub');
    expect(await it.list('/d')).toEqual(['f', 'sub']);
    it.crash(lost);
    expect([await it.list('/d'), await it.read('/d/sub/x')]).toEqual([['f'], null]);
  });

  test('replace is whole or not at all at every operation it could stop at', async () => {
    for (let n = 1; n <= 6; n += 1) {
      const it = disk();
      const own = it.attach('writer');
      const stopped = it.stopAt({ n, takesEffect: true });
      void own.replace('/d/f', bytesOf('replaced'));
      await stopped;
      const found = await readAfter(it, lost);
      expect(found).toBe(n === 6 ? 'replaced' : 'old');
    }
  });
});

describe('processes', () => {
  test('what a dead process waits for never comes, and its lock is free', async () => {
    const it = disk();
    const own = it.attach('first');
    const file = await own.open('/d/f', { create: false });
    expect((await own.lock('/d/lock')).kind).toBe('locked');
    expect(await it.lock('/d/lock')).toEqual({ kind: 'held', holder: 'first' });
    let answered = false;
    void file.write(0, bytesOf('zombie')).then(() => {
      answered = true;
      return answered;
    });
    own.kill();
    expect((await it.lock('/d/lock')).kind).toBe('locked');
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect([answered, textOf(await it.read('/d/f'))]).toEqual([false, 'old']);
  });

  test('a kill of one process leaves the others of the host alone', async () => {
    const it = disk();
    const [one, two] = [it.attach('one'), it.attach('two')];
    const file = await two.open('/d/f', { create: false });
    await two.lock('/d/lock');
    one.kill();
    expect(await file.size()).toBe(3);
    expect((await it.lock('/d/lock')).kind).toBe('held');
  });

  test('a stop comes at its operation, which takes effect or not', async () => {
    for (const takesEffect of [true, false]) {
      const it = disk();
      const own = it.attach('one');
      const stopped = it.stopAt({ n: 2, operation: 'write', takesEffect });
      const file = await own.open('/d/f', { create: false });
      await file.write(0, bytesOf('1'));
      void file.write(1, bytesOf('2'));
      await stopped;
      expect(textOf(await it.read('/d/f'))).toBe(takesEffect ? '12d' : '1ld');
      expect(own.dead).toBe(true);
    }
  });

  test('a closed file and an absent one are errno errors', async () => {
    const it = disk();
    const file = await it.open('/d/f', { create: false });
    await file.close();
    await expect(file.size()).rejects.toMatchObject({ code: 'EBADF' });
    await expect(it.open('/d/none', { create: false })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(it.open('/no/dir', { create: true })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(it.remove('/d/none')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(it.rename('/d/none', '/d/x')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('trouble', () => {
  test('a full disk cuts a write short, and takes writes again when space is freed', async () => {
    const it = disk();
    it.place('/d/big', new Uint8Array(100));
    it.setCapacity(105);
    const file = await it.open('/d/f', { create: false });
    await expect(file.write(3, bytesOf('123456'))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(textOf(await it.read('/d/f'))).toBe('old12');
    await file.write(0, bytesOf('OLD'));
    await it.remove('/d/big');
    await file.write(3, bytesOf('123456'));
    expect(textOf(await it.read('/d/f'))).toBe('OLD123456');
  });

  test('faults hit the chosen operation and path, as often and as late as asked', async () => {
    const it = disk();
    it.inject({ operation: 'write', path: '/d/f', code: 'EIO', after: 1, times: 2 });
    const file = await it.open('/d/f', { create: false });
    const other = await it.open('/d/g', { create: true });
    await other.write(0, bytesOf('x'));
    await file.write(0, bytesOf('x'));
    for (let count = 0; count < 2; count += 1) {
      await expect(file.write(0, bytesOf('x'))).rejects.toMatchObject({ code: 'EIO' });
    }
    await file.write(0, bytesOf('x'));
  });

  test('operations take the time they are given', async () => {
    const time = new VirtualTime();
    const timers = { after: (ms: number, action: () => void) => time.schedule(ms, action) };
    const latencyMs = (operation: string): number => (operation === 'datasync' ? 40 : 0);
    const it = new SimDisk({ timers, latencyMs });
    it.place('/d/f', bytesOf('old'));
    let synced = false;
    void it
      .open('/d/f', { create: false })
      .then((file) => file.datasync())
      .then(() => {
        synced = true;
        return synced;
      });
    await time.run(39);
    expect(synced).toBe(false);
    await time.run(41);
    expect(synced).toBe(true);
  });
});
