import { existsSync } from 'node:fs';
import type { Mounted } from '../command.ts';
import { KennelError } from '../../errors/kennel-error.ts';

export const labEntry: Mounted = {
  kind: 'mounted',
  name: 'lab',
  summary: 'a whole cluster on one machine, to try and to break things',
  description: [
    'Managers, agents, simulated BMCs and nodes on loopback. `kennel lab --help` lists its verbs.',
  ],
  mount: () => mountLab(new URL('../../../deploy/lab/', import.meta.url)),
};

/**
 * The lab lies outside of what a package must contain, so its absence is a problem to print and
 * not a broken program. A fault inside the lab's own code is not taken for its absence.
 */
export async function mountLab(directory: URL): Promise<import('commander').Command> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const location = new URL(`commands.${extension}`, directory);
  if (!existsSync(location)) throw absent();
  const loaded: unknown = await import(location.href);
  if (!hasLabCommand(loaded)) throw absent();
  return loaded.labCommand();
}

function hasLabCommand(
  loaded: unknown,
): loaded is { labCommand(): import('commander').Command | Promise<import('commander').Command> } {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'labCommand' in loaded &&
    typeof loaded.labCommand === 'function'
  );
}

function absent(): KennelError {
  return new KennelError({
    code: 'E_PREREQUISITE',
    what: 'the lab is not part of this installation',
    because: 'its files are missing beside the program',
    so: 'kennel lab does nothing here; everything else works',
    try: ['use a checkout of the project', 'install the complete npm package again'],
  });
}
