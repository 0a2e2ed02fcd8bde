import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { waitUntil } from './wait-until.ts';

function tryListen(name: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(`\0kennel-lab-${name}`, () => {
      resolve(server);
    });
  });
}

/**
 * Runs `work` while no other command of the same lab does. The lock is an abstract socket, which
 * the kernel frees when its holder dies, however it dies.
 *
 * @throws LabError LAB_TIMEOUT when another command holds it for two minutes.
 */
export async function withLabLock<T>(
  id: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const server = await waitUntil('no other command works on this lab', () => tryListen(id), {
    timeoutMs: 120_000,
    everyMs: 50,
    signal,
  });
  server.unref();
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
