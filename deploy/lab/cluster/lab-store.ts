import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadManagerConfig } from '../../../src/cli/start/service-config.ts';
import { realLog } from '../../../src/env/real/log.ts';
import { realEnv } from '../../../src/env/real/real-env.ts';
import { KennelError } from '../../../src/errors/kennel-error.ts';
import { LabError } from '../lab-error.ts';

/** Where the managers of a lab keep the cluster's state. */
export const labStores = ['raft', 'etcd'] as const;
export type LabStore = (typeof labStores)[number];

/**
 * The store of the cluster in a manager's directory, or of the one that is about to be made there:
 * `asked`, and else the store of the managers themselves.
 *
 * @throws LabError LAB_OPTIONS when it is another one than was asked for.
 */
export async function storeOf(directory: string, asked: LabStore | undefined): Promise<LabStore> {
  const made = await madeWith(directory);
  if (made !== null && asked !== undefined && made !== asked) {
    throw new LabError(
      'LAB_OPTIONS',
      `--store ${asked}`,
      `the cluster on this lab was made with --store ${made}`,
      'leave --store out, or run `kennel lab down` first',
    );
  }
  return made ?? asked ?? 'raft';
}

async function madeWith(directory: string): Promise<LabStore | null> {
  if (!existsSync(join(directory, 'manager.yaml'))) return null;
  const { disk } = realEnv({ log: realLog({ level: 'silent' }) });
  const config = await loadManagerConfig(disk, directory);
  if (config.kind === 'problem') throw new KennelError(config.problem);
  return config.value.store.kind;
}
