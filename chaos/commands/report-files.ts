import { readFileSync, writeFileSync } from 'node:fs';
import { KennelError } from '../../src/errors/kennel-error.ts';

/** Throws `KennelError` with the name of the file and the reason. */
export function readText(file: string, so = 'nothing was written'): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, 'cannot be read', error, so);
  }
}

/** As `readText`; also for a file that is not JSON. */
export function readJson(file: string): unknown {
  const text = readText(file);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fileProblem(file, 'is not JSON', error, 'nothing was written');
  }
}

/** `-` is standard output. */
export function writeText(file: string, text: string): void {
  if (file === '-') {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw fileProblem(file, 'cannot be written', error, 'the results were printed only');
  }
}

function fileProblem(file: string, what: string, error: unknown, so: string): KennelError {
  return new KennelError(
    {
      code: 'E_USAGE',
      what: `${file} ${what}`,
      because: error instanceof Error ? error.message : String(error),
      so,
      try: [`ls -l ${file}`],
    },
    { cause: error },
  );
}
