import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cliPage } from './cli-page.ts';
import { errorsPage } from './errors-page.ts';
import { kubevirtPage } from './kubevirt-page.ts';
import { manPages } from './man-pages.ts';

/** A page that is made from code, and the text it must have. */
export interface GeneratedPage {
  readonly name: string;
  readonly location: URL;
  readonly text: string;
}

const docs = new URL('../../../docs/', import.meta.url);

export async function generatedPages(): Promise<readonly GeneratedPage[]> {
  return [
    { name: 'docs/cli.md', location: new URL('cli.md', docs), text: await cliPage() },
    { name: 'docs/errors.md', location: new URL('errors.md', docs), text: errorsPage() },
    {
      name: 'docs/kubevirt.md',
      location: new URL('kubevirt.md', docs),
      text: kubevirtPage(),
    },
  ];
}

/** Names of the pages that are missing or differ from what the code says. */
export async function stalePages(): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const page of await generatedPages()) {
    const written = await readFile(page.location, 'utf8').catch(() => null);
    if (written !== page.text) stale.push(page.name);
  }
  return stale;
}

/**
 * `node src/cli/docs/generate.ts` checks; `--write` writes the pages. Exit code 1 = stale.
 * `--man DIRECTORY` writes the manual pages, which are part of the build alone.
 */
async function run(argv: readonly string[]): Promise<number> {
  const [first, directory] = argv;
  if (first === '--man' && directory !== undefined) {
    await mkdir(directory, { recursive: true });
    for (const { file, text } of await manPages()) await writeFile(join(directory, file), text);
    return 0;
  }
  if (argv.includes('--write')) {
    for (const page of await generatedPages()) await writeFile(page.location, page.text);
    return 0;
  }
  const stale = await stalePages();
  for (const name of stale) {
    process.stderr.write(`${name} is stale: node src/cli/docs/generate.ts --write\n`);
  }
  return stale.length === 0 ? 0 : 1;
}

const [, entry = ''] = process.argv;
if (import.meta.url === pathToFileURL(entry).href) {
  process.exitCode = await run(process.argv.slice(2));
}
