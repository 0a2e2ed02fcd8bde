import type { Completes } from '../option.ts';
import type { World } from '../world.ts';
import { everywhere, rootNode } from './command-tree.ts';
import type { TreeNode, TreeOption } from './command-tree.ts';
import { namesFor } from './names.ts';

/** One word that may stand at the cursor. */
export interface Candidate {
  readonly word: string;
  readonly summary: string;
}

/** What may stand at the cursor: words, or whatever files the shell finds. */
type Candidates =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  | { readonly kind: 'files' };

/** The line that tells a completion script to offer files instead. */
export const filesLine = ':files';

/**
 * `kennel __complete WORD…`: the words after `kennel` up to the cursor, the last one unfinished.
 * Prints one candidate per line, the word and its summary with a tab between.
 */
export async function printCandidates(words: readonly string[], world: World): Promise<number> {
  const found = await candidatesFor(words, world);
  const lines =
    found.kind === 'files'
      ? [filesLine]
      : found.words.map((candidate) => `${candidate.word}\t${candidate.summary}`);
  world.terminal.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}

interface Position {
  readonly node: TreeNode;
  readonly positionals: number;
  readonly used: readonly string[];
  /** The option whose value stands at the cursor. */
  readonly pending: TreeOption | null;
  readonly configFile: string | null;
}

async function candidatesFor(words: readonly string[], world: World): Promise<Candidates> {
  // bash hands `--output=js` over as three words, with the cursor on the last.
  const last = words.at(-1) ?? '';
  const current = last === '=' ? '' : last;
  const position = await walk(words.slice(0, -1));
  const offer = (completes: Completes, prefix: string, typed: string): Promise<Candidates> =>
    offerValues(completes, { prefix, typed, world, configFile: position.configFile });
  if (position.pending !== null) return offer(position.pending.completes, '', current);
  const [name = '', ...value] = current.split('=');
  if (current.startsWith('--') && value.length > 0) {
    const option = findOption(position.node, name);
    if (option === null) return { kind: 'words', words: [] };
    return offer(option.completes, `${name}=`, value.join('='));
  }
  if (current.startsWith('-')) return { kind: 'words', words: optionNames(position, current) };
  const { children } = position.node;
  if (children.length > 0) {
    const matching = children.filter((child) => child.name.startsWith(current));
    const named = matching.map((child) => ({ word: child.name, summary: child.summary }));
    return { kind: 'words', words: named };
  }
  const argument = position.node.arguments[position.positionals];
  return argument === undefined ? { kind: 'words', words: [] } : offer(argument, '', current);
}

/** After a word that names nothing, nothing is known of what may follow. */
const deadEnd: TreeNode = { children: [], options: [], arguments: [] };

/** Follows the finished words down the tree of commands. */
async function walk(words: readonly string[]): Promise<Position> {
  let position: Position = {
    node: rootNode(),
    positionals: 0,
    used: [],
    pending: null,
    configFile: null,
  };
  for (const word of words) position = await step(position, word);
  return position;
}

async function step(position: Position, word: string): Promise<Position> {
  const { node, pending } = position;
  if (pending !== null) {
    if (word === '=') return position;
    const configFile = pending.names.includes('--config') ? word : position.configFile;
    return { ...position, pending: null, configFile };
  }
  if (word.startsWith('-')) {
    const [name = '', value] = word.split('=', 2);
    const option = findOption(node, name);
    const isPending = option !== null && option.takesValue && value === undefined;
    const isConfig = name === '--config' && value !== undefined;
    return {
      ...position,
      used: [...position.used, ...(option?.names ?? [])],
      pending: isPending ? option : null,
      configFile: isConfig ? value : position.configFile,
    };
  }
  const child = node.children.find((candidate) => candidate.name === word);
  if (child !== undefined) return { ...position, node: await child.open() };
  if (node.children.length > 0) return { ...position, node: deadEnd };
  return { ...position, positionals: position.positionals + 1 };
}

function optionsOf(node: TreeNode): readonly TreeOption[] {
  return [...node.options, ...everywhere];
}

function findOption(node: TreeNode, name: string): TreeOption | null {
  return optionsOf(node).find((option) => option.names.includes(name)) ?? null;
}

function optionNames(position: Position, typed: string): readonly Candidate[] {
  return optionsOf(position.node)
    .filter((option) => option.isRepeatable || !isUsed(option, position.used))
    .flatMap((option) =>
      option.names.slice(0, 1).map((word) => ({ word, summary: option.summary })),
    )
    .filter((candidate) => candidate.word.startsWith(typed));
}

function isUsed(option: TreeOption, used: readonly string[]): boolean {
  return option.names.some((name) => used.includes(name));
}

async function offerValues(
  completes: Completes,
  at: {
    readonly prefix: string;
    readonly typed: string;
    readonly world: World;
    readonly configFile: string | null;
  },
): Promise<Candidates> {
  if (completes.kind === 'file') return { kind: 'files' };
  const names = await namesFor(completes, at.world, at.configFile);
  const words = names
    .filter((candidate) => candidate.word.startsWith(at.typed))
    .map((candidate) => ({ word: at.prefix + candidate.word, summary: candidate.summary }));
  return { kind: 'words', words };
}
