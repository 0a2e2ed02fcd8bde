import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/*
 * With CI set property tests run the same cases every time, so that a change is judged by itself and
 * not by its luck. Everywhere else they draw new ones at each run: that is how they find anything.
 */
const seed = 1;

const file = expect.getState().testPath;
if (process.env['CI'] !== undefined && file !== undefined) {
  // Loading it costs more than most files of tests do.
  if (readFileSync(file, 'utf8').includes("'fast-check'")) {
    const { configureGlobal } = await import('fast-check');
    configureGlobal({ seed });
  }
}
