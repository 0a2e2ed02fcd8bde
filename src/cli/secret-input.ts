import { resolve } from 'node:path';
import { KennelError } from '../errors/kennel-error.ts';
import { usageError } from './usage.ts';
import type { World } from './world.ts';

const maxSecretBytes = 4096;

/** Where a secret comes from. Exactly one of `file` and `stdin` must be given. */
export interface SecretSource {
  /** What it is, for messages and as the stem of its options: `password`, `token`. */
  readonly noun: 'password' | 'token';
  readonly file: string | null;
  readonly stdin: boolean;
}

/**
 * A secret from a file or from standard input, without its last line break: never from the command
 * line, where every process of the machine can read it. No message ever repeats what was read.
 */
export async function readSecret(world: World, from: SecretSource): Promise<string> {
  const { noun } = from;
  const steps = [`--${noun}-file FILE`, `--${noun}-stdin`];
  if ((from.file === null) === !from.stdin) {
    throw usageError({
      what: `the ${noun} comes from exactly one place`,
      because: from.stdin ? 'two are given' : 'none is given',
      try: steps,
    });
  }
  const text =
    from.file === null
      ? await world.terminal.readInput(maxSecretBytes)
      : await readSecretFile(world, noun, resolve(world.workingDirectory, from.file));
  const secret = text.replace(/\r?\n$/, '');
  if (secret !== '') return secret;
  throw usageError({
    what: `the ${noun} is empty`,
    because: from.file ?? 'nothing came on standard input',
    try: steps,
  });
}

async function readSecretFile(
  world: World,
  noun: SecretSource['noun'],
  path: string,
): Promise<string> {
  const { disk } = await world.env();
  const bytes = await disk.read(path).catch((cause: unknown) => {
    throw unreadable(noun, path, 'it cannot be read', cause);
  });
  if (bytes === null) throw unreadable(noun, path, 'there is no such file', undefined);
  if (bytes.length > maxSecretBytes) throw unreadable(noun, path, 'it is too long', undefined);
  return new TextDecoder().decode(bytes);
}

function unreadable(
  noun: SecretSource['noun'],
  path: string,
  because: string,
  cause: unknown,
): KennelError {
  return new KennelError(
    {
      code: 'E_DATA_DIRECTORY',
      what: `the ${noun} file ${path} cannot be used`,
      because,
      so: 'nothing was changed',
      try: [`ls -l ${path}`],
    },
    { cause },
  );
}
