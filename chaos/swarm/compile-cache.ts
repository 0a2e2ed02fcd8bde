import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `work` with an environment under which worker processes share what they compile: reading the
 * whole product takes one of them over a second, and a hunt for mutants starts dozens. The directory
 * is gone afterwards, also after an interruption.
 */
export async function withCompileCache<T>(
  work: (environment: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-chaos-'));
  const clear = (): void => rmSync(directory, { recursive: true, force: true });
  const interrupted = (signal: NodeJS.Signals): void => {
    clear();
    // It ends as it would have without this listener.
    for (const each of signals) process.off(each, interrupted);
    process.kill(process.pid, signal);
  };
  for (const each of signals) process.on(each, interrupted);
  try {
    return await work({ NODE_COMPILE_CACHE: directory });
  } finally {
    for (const each of signals) process.off(each, interrupted);
    clear();
  }
}
