import { resolve } from 'node:path';
import { KennelError } from '../errors/kennel-error.ts';
import { usageError } from './usage.ts';
import type { World } from './world.ts';

const maxPasswordBytes = 4096;

/**
 * The password from a file or from standard input, without its last line break. No error and no
 * message ever repeats what was read.
 */
export async function readPassword(
  world: World,
  from: { readonly passwordFile: string | null; readonly passwordStdin: boolean },
): Promise<string> {
  if ((from.passwordFile === null) === !from.passwordStdin) {
    throw usageError({
      what: 'the password of the device comes from exactly one place',
      because: from.passwordStdin ? 'two are given' : 'none is given',
      try: ['--password-file FILE', '--password-stdin'],
    });
  }
  const text =
    from.passwordFile === null
      ? await world.terminal.readInput(maxPasswordBytes)
      : await readSecretFile(world, resolve(world.workingDirectory, from.passwordFile));
  const password = text.replace(/\r?\n$/, '');
  if (password !== '') return password;
  throw usageError({
    what: 'the password is empty',
    because: from.passwordFile ?? 'nothing came on standard input',
    try: ['--password-file FILE', '--password-stdin'],
  });
}

async function readSecretFile(world: World, path: string): Promise<string> {
  const { disk } = await world.env();
  const bytes = await disk.read(path).catch((cause: unknown) => {
    throw unreadable(path, 'it cannot be read', cause);
  });
  if (bytes === null) throw unreadable(path, 'there is no such file', undefined);
  if (bytes.length > maxPasswordBytes) throw unreadable(path, 'it is too long', undefined);
  return new TextDecoder().decode(bytes);
}

function unreadable(path: string, because: string, cause: unknown): KennelError {
  return new KennelError(
    {
      code: 'E_DATA_DIRECTORY',
      what: `the password file ${path} cannot be used`,
      because,
      so: 'nothing was changed',
      try: [`ls -l ${path}`],
    },
    { cause },
  );
}
