import type { Command as Commander } from 'commander';
import type { Command, Entry } from '../command.ts';
import { commandTable } from '../command-table.ts';
import { globalOptions } from '../global-options.ts';
import { longName, shortName, takesValue } from '../option.ts';
import type { Completes, Option } from '../option.ts';

/** What completion needs to know of an option. */
export interface TreeOption {
  readonly names: readonly string[];
  readonly summary: string;
  readonly takesValue: boolean;
  readonly isRepeatable: boolean;
  readonly completes: Completes;
}

interface TreeChild {
  readonly name: string;
  readonly summary: string;
  open(): Promise<TreeNode>;
}

/** One word of a command line and what may follow it. */
export interface TreeNode {
  readonly children: readonly TreeChild[];
  readonly options: readonly TreeOption[];
  readonly arguments: readonly Completes[];
}

export function rootNode(): TreeNode {
  return {
    children: commandTable.map((row) => ({
      name: row.name,
      summary: row.summary,
      open: async () => openEntry(await row.load()),
    })),
    options: [],
    arguments: [],
  };
}

async function openEntry(entry: Entry): Promise<TreeNode> {
  switch (entry.kind) {
    case 'command':
      return commandNode(entry);
    case 'noun':
      return {
        children: entry.verbs.map((verb) => ({
          name: verb.name,
          summary: verb.summary,
          open: async () => commandNode(verb),
        })),
        options: [],
        arguments: [],
      };
    case 'mounted':
      return commanderNode(await entry.mount());
    default:
      return entry satisfies never;
  }
}

function commandNode(command: Command): TreeNode {
  return {
    children: [],
    options: Object.values(command.options)
      .filter((option) => !option.isHidden)
      .map(treeOption),
    arguments: Object.values(command.arguments).map((argument) => argument.completes),
  };
}

/** Options that may stand anywhere. */
export const everywhere: readonly TreeOption[] = [
  ...Object.values(globalOptions).map(treeOption),
  {
    names: ['--help', '-h'],
    summary: 'show the help',
    takesValue: false,
    isRepeatable: false,
    completes: { kind: 'nothing' },
  },
];

function treeOption(option: Option<unknown>): TreeOption {
  const short = shortName(option.flags);
  return {
    names: [longName(option.flags), ...(short === null ? [] : [short])],
    summary: option.summary,
    takesValue: takesValue(option.flags),
    isRepeatable: option.isRepeatable,
    completes: option.completes,
  };
}

function commanderNode(command: Commander): TreeNode {
  return {
    children: command.commands.map((child) => ({
      name: child.name(),
      summary: child.summary() === '' ? child.description() : child.summary(),
      open: async () => commanderNode(child),
    })),
    options: command.options
      .filter((option) => !option.hidden)
      .map((option) => ({
        names: [option.long, option.short].filter((name) => typeof name === 'string'),
        summary: option.description,
        takesValue: option.required,
        isRepeatable: option.variadic,
        completes:
          option.argChoices === undefined
            ? { kind: 'file' }
            : { kind: 'words', words: option.argChoices },
      })),
    arguments: command.registeredArguments.map((argument) =>
      argument.argChoices === undefined
        ? { kind: 'nothing' }
        : { kind: 'words', words: argument.argChoices },
    ),
  };
}
