import type { Command, Entry, Mounted, Noun } from '../command.ts';
import { commandTable } from '../command-table.ts';
import { globalOptions } from '../global-options.ts';
import type { Option } from '../option.ts';
import { optionHelp } from '../parse-call.ts';
import { packageVersion } from '../version.ts';
import { exitStatus } from './exit-status.ts';
import { item, literal, prose, quoted, roff } from './roff.ts';
import { sentence, shownOptions, usageOf } from './usage-line.ts';

/** One page of section 1, in man(7). */
export interface ManPage {
  /** `kennel-vm.1` */
  readonly file: string;
  readonly text: string;
}

/** `kennel(1)`, and a page of every noun and every verb without one: `kennel-vm(1)`, `kennel-status(1)`. */
export async function manPages(): Promise<readonly ManPage[]> {
  const entries = await Promise.all(commandTable.map((row) => row.load()));
  return [overview(entries), ...entries.map((entry) => page(entry, entries))];
}

function overview(entries: readonly Entry[]): ManPage {
  return made('kennel', 'keep pet VMs alive on libvirt hosts', [
    '.SH SYNOPSIS',
    roff('kennel <noun> <verb> [options]'),
    '.SH DESCRIPTION',
    prose('A leader-elected manager tracks VMs, proves that a silent node is dead before it'),
    prose('restarts its VMs elsewhere, and has an agent on each node carry it out.'),
    '.SH COMMANDS',
    ...entries.flatMap(({ name, summary }) => item(`kennel-${name}(1)`, sentence(summary))),
    ...everyVerb(),
    '.SH FILES',
    ...item(
      '~/.config/kennel/admin.yaml',
      'which cluster, and who asks; `$KENNEL_CONFIG` names another',
    ),
    ...item('/etc/kennel/admin.yaml', 'the same, for every user of the machine'),
  ]);
}

function page(entry: Entry, entries: readonly Entry[]): ManPage {
  return made(`kennel-${entry.name}`, entry.summary, [
    ...body(entry),
    ...everyVerb(),
    '.SH SEE ALSO',
    ['kennel', ...entries.map(({ name }) => `kennel-${name}`)]
      .filter((name) => name !== `kennel-${entry.name}`)
      .map((name) => `.BR ${roff(name)} (1)`)
      .join(',\n'),
  ]);
}

function body(entry: Entry): readonly string[] {
  switch (entry.kind) {
    case 'command':
      return commandBody(entry);
    case 'noun':
      return nounBody(entry);
    case 'mounted':
      return mountedBody(entry);
    default:
      return entry satisfies never;
  }
}

function commandBody(command: Command): readonly string[] {
  const name = `kennel ${command.name}`;
  return [
    '.SH SYNOPSIS',
    roff(usageOf(command, name)),
    '.SH DESCRIPTION',
    ...paragraphs([sentence(command.summary), ...command.description]),
    ...details(command),
  ];
}

function nounBody(noun: Noun): readonly string[] {
  const verbs = noun.verbs.map((verb) => ({ verb, name: `kennel ${noun.name} ${verb.name}` }));
  return [
    '.SH SYNOPSIS',
    '.nf',
    ...verbs.map(({ verb, name }) => roff(usageOf(verb, name))),
    '.fi',
    '.SH DESCRIPTION',
    prose(sentence(noun.summary)),
    '.SH VERBS',
    ...verbs.flatMap(({ verb, name }) => [
      `.SS ${quoted(usageOf(verb, name))}`,
      ...paragraphs([sentence(verb.summary), ...verb.description]),
      ...details(verb),
    ]),
  ];
}

function mountedBody(mounted: Mounted): readonly string[] {
  return [
    '.SH SYNOPSIS',
    roff(`kennel ${mounted.name} <verb> [options]`),
    '.SH DESCRIPTION',
    ...paragraphs([sentence(mounted.summary), ...mounted.description]),
  ];
}

function details(command: Command): readonly string[] {
  const { examples } = command;
  return [
    ...Object.entries(command.arguments).flatMap(([name, argument]) =>
      item(`<${name}>`, argument.summary),
    ),
    ...options(shownOptions(command)),
    ...(examples.length === 0 ? [] : ['.PP', 'For example:', ...literal(examples)]),
  ];
}

function options(of: readonly Option<unknown>[]): readonly string[] {
  return of.flatMap((option) =>
    item(option.flags, `${optionHelp(option)}${option.isRequired ? ' (required)' : ''}`),
  );
}

function everyVerb(): readonly string[] {
  return [
    '.SH OPTIONS OF EVERY VERB',
    ...options(Object.values(globalOptions)),
    '.SH EXIT STATUS',
    ...exitStatus.flatMap(([code, meaning]) => item(`${code}`, meaning)),
  ];
}

function paragraphs(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => ['.PP', prose(text)]);
}

/** Without a date, so that the same code makes the same bytes. */
function made(name: string, summary: string, lines: readonly string[]): ManPage {
  const head = [
    `.TH ${quoted(name.toUpperCase())} 1 "" ${quoted(`Kennel ${packageVersion()}`)} "Kennel"`,
    '.SH NAME',
    `${roff(name)} \\- ${prose(summary)}`,
  ];
  return { file: `${name}.1`, text: `${[...head, ...lines].join('\n')}\n` };
}
