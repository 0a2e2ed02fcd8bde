import { Command as Commander, CommanderError } from 'commander';
import type { Entry } from './command.ts';
import { commandTable } from './command-table.ts';
import type { TableRow } from './command-table.ts';
import { exitCodes } from './exit-codes.ts';
import { globalOptions } from './global-options.ts';
import { longName, shortName, takesValue } from './option.ts';
import { attach, optionHelp } from './parse-call.ts';
import { usageError } from './usage.ts';
import { packageVersion } from './version.ts';
import type { Globals, OutputFormat, World } from './world.ts';

type Start = (world: World, globals: Globals) => Promise<number>;

/**
 * Parses the command line and runs its verb. Only the noun it names is loaded.
 *
 * @returns the exit code; help and version are printed and answer 0.
 * @throws KennelError with `E_USAGE` for what cannot be parsed, with other codes from the verb.
 */
export async function runProgram(argv: readonly string[], world: World): Promise<number> {
  const starts: Start[] = [];
  const program = await buildProgram(argv, world, (start) => starts.push(start));
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return endOfParsing(error, program, argv);
    throw error;
  }
  const [start] = starts;
  // A mounted subtree runs its own actions while parsing.
  if (start === undefined) return Number(process.exitCode ?? exitCodes.done);
  return start(world, readGlobals(program.opts(), world));
}

async function buildProgram(
  argv: readonly string[],
  world: World,
  run: (start: Start) => void,
): Promise<Commander> {
  const program = new Commander('kennel')
    .description('Keeps pet VMs alive on plain libvirt/KVM nodes.')
    .version(`kennel ${packageVersion()}`, '-V, --version', 'print the version')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, helpWidth: world.terminal.size?.columns ?? 80 })
    .configureOutput({
      writeOut: (text) => world.terminal.write(text),
      writeErr: (text) => world.terminal.writeError(text),
      outputError: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  for (const option of Object.values(globalOptions)) {
    program.option(option.flags, optionHelp(option));
  }
  program.addHelpText(
    'after',
    '\nExit codes: 0 done or healthy, 1 failed or degraded, 2 no quorum or unreachable, 64 usage.',
  );
  const wanted = nounOf(argv);
  for (const row of commandTable) await addRow(program, row, wanted, run);
  return program;
}

async function addRow(
  program: Commander,
  row: TableRow,
  wanted: string | null,
  run: (start: Start) => void,
): Promise<void> {
  if (row.name !== wanted) {
    program.command(row.name).summary(row.summary).description(row.summary);
    return;
  }
  const entry: Entry = await row.load();
  switch (entry.kind) {
    case 'command':
      attach(program, entry, run);
      return;
    case 'noun': {
      const noun = program.command(entry.name).summary(entry.summary).description(entry.summary);
      for (const verb of entry.verbs) attach(noun, verb, run);
      return;
    }
    case 'mounted': {
      const mounted = await entry.mount();
      if (mounted.summary() === '') mounted.summary(row.summary);
      // What stands behind its name is its own, also options that have our names.
      program.enablePositionalOptions();
      inherit(mounted.name(row.name), program);
      program.addCommand(mounted);
      return;
    }
  }
}

function readGlobals(raw: Readonly<Record<string, unknown>>, world: World): Globals {
  const format: OutputFormat = globalOptions.output.read(raw['output']);
  return {
    configFile: globalOptions.config.read(raw['config']),
    format,
    isColored: world.terminal.isColored && raw['color'] !== false,
  };
}

/** Commander's own words become a problem. What follows a `=` is left out: it may be a secret. */
function endOfParsing(error: CommanderError, program: Commander, argv: readonly string[]): number {
  if (error.exitCode === 0) return exitCodes.done;
  // `kennel` or `kennel vm` alone: commander has printed the help, which is the answer.
  if (error.code === 'commander.help') return exitCodes.usage;
  const [message = '', hint = ''] = error.message.replace(/^error: /, '').split('\n');
  const meant = /Did you mean (?:one of )?(.*)\?\)/.exec(hint)?.[1];
  throw usageError({
    what: message.replace(/=[^']*'/, "'"),
    because:
      meant === undefined ? 'it is not of the documented form' : `perhaps ${meant} was meant`,
    try: [`${pathOf(program, argv).join(' ')} --help`],
  });
}

/** The words of `argv` that name commands: `kennel vm create`. */
function pathOf(program: Commander, argv: readonly string[]): readonly string[] {
  const path = [program.name()];
  let at = program;
  for (const word of argv) {
    const next = at.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) continue;
    path.push(word);
    at = next;
  }
  return path;
}

/** The first word that is no option and no value of one; of `help vm` it is `vm`. */
function nounOf(argv: readonly string[]): string | null {
  const valued = Object.values(globalOptions).filter((option) => takesValue(option.flags));
  const names = valued.flatMap((option) => [longName(option.flags), shortName(option.flags)]);
  const words = argv.filter(
    (word, index) => !word.startsWith('-') && !names.includes(argv[index - 1] ?? ''),
  );
  const [first = null, second = null] = words;
  return first === 'help' ? second : first;
}

/** A mounted subtree was built elsewhere; its help and errors go the same way as ours. */
function inherit(child: Commander, parent: Commander): void {
  child.copyInheritedSettings(parent);
  for (const grandchild of child.commands) inherit(grandchild, child);
}
