import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atInterruption } from './at-interruption.ts';

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
  const disregard = atInterruption(clear);
  try {
    return await work({ NODE_COMPILE_CACHE: directory });
  } finally {
    disregard();
    clear();
  }
}
