import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { pid } from 'node:process';

/*
 * The lock is a socket file that names its owner: `<path>.<boot id>.<pid>.<start time>.<nonce>`.
 *
 * Who is alive is asked of the kernel, by connecting: a listening socket ends with its process, at
 * once and whatever ended it. So a reboot and a reused pid need no guess, and the answer is right
 * across pid and network namespaces, where /proc and abstract sockets are blind. A socket file has
 * no content, so a full disk does not stop a manager from starting.
 *
 * Two rivals cannot both win: each makes its own file first and lists the others second. Whoever
 * lists later sees the other. Names are never used twice, so removing a dead name hurts nobody.
 * Both may lose; then each waits a random moment and tries again.
 */

type PathLock =
  | { readonly kind: 'locked'; release(): Promise<void> }
  | { readonly kind: 'held'; readonly holder: string };

const attempts = 5;
const probeTimeoutMs = 1_000;

/** Takes the lock on `path`, or says which process holds it. Throws errno errors. */
export async function lockPath(path: string): Promise<PathLock> {
  const directory = dirname(path);
  const bootId = await ownBootId();
  const startTime = await startTimeOf('self');
  const handle = await open(directory, 'r');
  // A socket address holds 107 bytes; through the open directory any path fits.
  const short = (name: string): string => `/proc/self/fd/${handle.fd}/${name}`;
  let holder = 'another process';
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const nonce = randomBytes(4).toString('hex');
      const name = `${basename(path)}.${bootId}.${pid}.${startTime}.${nonce}`;
      const server = await listen(short(name));
      const rivals = await rivalsOf(path, name, short);
      if (rivals.kind === 'none') {
        return {
          kind: 'locked',
          release: async () => {
            await withdraw(server, join(directory, name));
            await handle.close();
          },
        };
      }
      await withdraw(server, join(directory, name));
      if (rivals.kind === 'alive') holder = describeHolder(rivals.name, bootId);
      await pauseMs(20 + (randomBytes(1)[0] ?? 0) / 4);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return { kind: 'held', holder };
}

type Rivals =
  | { readonly kind: 'none' }
  | { readonly kind: 'alive'; readonly name: string }
  /** Somebody took our own file for a dead one before it listened. */
  | { readonly kind: 'lostOwn' };

async function rivalsOf(
  path: string,
  own: string,
  short: (name: string) => string,
): Promise<Rivals> {
  const directory = dirname(path);
  const names = (await readdir(directory)).filter((name) => isLockName(name, basename(path)));
  if (!names.includes(own)) return { kind: 'lostOwn' };
  for (const name of names) {
    if (name === own) continue;
    if (await answers(short(name))) return { kind: 'alive', name };
    await unlink(join(directory, name)).catch(ignoreMissing);
  }
  return { kind: 'none' };
}

function isLockName(name: string, base: string): boolean {
  return (
    name.startsWith(`${base}.`) &&
    /^[0-9a-f]{32}\.\d+\.\d+\.[0-9a-f]{8}$/.test(name.slice(base.length + 1))
  );
}

function describeHolder(name: string, ownBoot: string): string {
  const [nonce, startTime, holderPid, bootId] = name.split('.').reverse();
  const where = bootId === ownBoot ? 'this boot' : `boot ${bootId ?? ''}`;
  return `pid ${holderPid ?? ''} of ${where}, started at tick ${startTime ?? ''} (${nonce ?? ''})`;
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.destroy();
    });
    server.once('error', reject);
    server.listen({ path }, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Doubt counts as alive: only a refused connection or a missing file shows that nobody holds it. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    const finish = (alive: boolean): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(alive);
    };
    const deadline = setTimeout(() => finish(true), probeTimeoutMs);
    socket.once('connect', () => finish(true));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      finish(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

async function withdraw(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await unlink(path).catch(ignoreMissing);
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

async function ownBootId(): Promise<string> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return text.trim().replaceAll('-', '');
}

/** Field 22 of `/proc/<pid>/stat`, counted after the command name, which may hold spaces. */
async function startTimeOf(process: string): Promise<string> {
  const stat = await readFile(`/proc/${process}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
}

function pauseMs(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
