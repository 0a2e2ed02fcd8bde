import { Command as Commander, Option as CommanderOption } from 'commander';
import type { Argument, Command, TypedCall, Arguments } from './command.ts';
import { longName } from './option.ts';
import type { Option, Options } from './option.ts';
import type { Globals, World } from './world.ts';

/** Text of an option's help: what it does, and what holds without it. */
export function optionHelp(option: Option<unknown>): string {
  const { completes, fallback } = option;
  const words = completes.kind === 'words' ? ` (${completes.words.join(', ')})` : '';
  return `${option.summary}${words}${fallback === null ? '' : ` (default ${fallback})`}`;
}

/** In commander's notation: `<vm>`, `[node]`, `<files...>`. */
export function argumentForm(name: string, argument: Argument): string {
  const text = argument.isVariadic === true ? `${name}...` : name;
  return argument.isOptional === true ? `[${text}]` : `<${text}>`;
}

/** Adds one declared verb to a commander command; `run` gets what was typed, as declared. */
export function attach(
  parent: Commander,
  declared: Command,
  run: (start: (world: World, globals: Globals) => Promise<number>) => void,
): void {
  const commander = parent.command(declared.name).summary(declared.summary);
  commander.description([declared.summary, ...declared.description].join('\n\n'));
  for (const [name, argument] of Object.entries(declared.arguments)) {
    commander.argument(argumentForm(name, argument), argument.summary);
  }
  for (const option of Object.values(declared.options)) commander.addOption(toCommander(option));
  if (declared.examples.length > 0) {
    const lines = declared.examples.map((example) => `  ${example}`);
    commander.addHelpText('after', ['', 'Examples:', ...lines].join('\n'));
  }
  const names = Object.keys(declared.arguments);
  commander.action((...given: unknown[]) => {
    const typed = Object.fromEntries(
      names.map((name, index) => [name, (given[index] ?? null) as string]),
    );
    const raw: Readonly<Record<string, unknown>> = commander.opts();
    run((world, globals) => {
      const options = readOptions(declared.options, raw);
      const call: TypedCall<Arguments, Options> = { world, globals, arguments: typed, options };
      return declared.run(call);
    });
  });
}

function toCommander(option: Option<unknown>): CommanderOption {
  const made = new CommanderOption(option.flags, optionHelp(option));
  if (option.isRequired) made.makeOptionMandatory();
  if (option.isHidden) made.hideHelp();
  if (option.isRepeatable) {
    made.argParser((value: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      value,
    ]);
  }
  return made;
}

function readOptions(
  declared: Options,
  raw: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(declared).map(([key, option]) => [
      key,
      option.read(raw[attributeName(option.flags)]),
    ]),
  );
}

/** `--boot-id-file <path>` → `bootIdFile`, as commander names it. */
function attributeName(flags: string): string {
  return longName(flags)
    .slice(2)
    .replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
