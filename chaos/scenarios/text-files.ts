import { readFileSync, writeFileSync } from 'node:fs';
import { KennelError } from '../../src/errors/kennel-error.ts';

/** Throws `KennelError` when the file cannot be read; `so` is what did not happen then. */
export function readText(file: string, so: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, { done: 'read', so }, error);
  }
}

/** Throws `KennelError` when the file cannot be written. */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw fileProblem(file, { done: 'written', so: 'the results were printed only' }, error);
  }
}

function fileProblem(
  file: string,
  { done, so }: { readonly done: string; readonly so: string },
  error: unknown,
): KennelError {
  return new KennelError(
    {
      code: 'E_DATA_DIRECTORY',
      what: `${file} cannot be ${done}`,
      because: error instanceof Error ? error.message : String(error),
      so,
      try: [`ls -l ${file}`],
    },
    { cause: error },
  );
}
