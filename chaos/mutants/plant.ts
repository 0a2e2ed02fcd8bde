import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { mutants } from './mutants.ts';
import { mutantVariable } from './mutant-variable.ts';
import { mutated } from './mutant.ts';

/*
 * Loaded before a worker's own modules (`node --import`). The environment names the mutant; the
 * loader then hands out its files with the defect in them. Files on disk are only read.
 */

const name = process.env[mutantVariable];
const mutant = mutants.find((each) => each.name === name);
if (name !== undefined && mutant === undefined) throw new Error(`there is no mutant ${name}`);

if (mutant !== undefined) {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const files = new Map(mutant.edits.map(({ file }) => [root + file, file]));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const file = url.startsWith('file:') ? files.get(fileURLToPath(url)) : undefined;
      if (file === undefined) return loaded;
      if (loaded.source == null) throw new Error(`${file} has no source to change`);
      const source =
        typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
      return { ...loaded, source: mutated(mutant, file, source) };
    },
  });
}
