import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Mounted } from '../command.ts';
import { KennelError } from '../../errors/kennel-error.ts';

export const labEntry: Mounted = {
  kind: 'mounted',
  name: 'lab',
  summary: 'a whole cluster on one machine, to try and to break things',
  description: [
    'Managers, agents, simulated BMCs and nodes on loopback. `kennel lab --help` lists its verbs.',
  ],
  mount: () =>
    mountCommand(new URL('../../../deploy/lab/commands', import.meta.url), 'lab', 'labCommand'),
};

export const chaosEntry: Mounted = {
  kind: 'mounted',
  name: 'chaos',
  summary: 'break a simulated cluster on purpose and check that no rule is broken',
  description: [
    'The production code in a simulated datacentre. `kennel chaos --help` lists its verbs.',
  ],
  mount: () =>
    mountCommand(
      new URL('../../../chaos/commands/chaos-command', import.meta.url),
      'chaos',
      'chaosCommand',
    ),
};

/**
 * A command whose code lies outside of what a package must contain: its absence is a problem to
 * print and not a broken program. A fault inside that code is not taken for its absence.
 *
 * @param module location without its ending; `builder` is the name of the function it exports.
 */
export async function mountCommand(module: URL, name: string, builder: string): Promise<Command> {
  const location = new URL(`${module.href}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`);
  if (!existsSync(location)) throw absent(name);
  const loaded = (await import(location.href)) as Readonly<Record<string, unknown>>;
  const build = loaded[builder];
  if (typeof build !== 'function') throw absent(name);
  return (build as () => Command | Promise<Command>)();
}

function absent(name: string): KennelError {
  return new KennelError({
    code: 'E_PREREQUISITE',
    what: `kennel ${name} is not part of this installation`,
    because: 'its files are missing beside the program',
    so: `kennel ${name} does nothing here; everything else works`,
    try: ['use a checkout of the project', 'install the complete npm package again'],
  });
}
