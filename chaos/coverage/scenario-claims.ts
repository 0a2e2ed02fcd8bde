import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadScenario } from '../scenarios/load.ts';
import type { Claim } from './claim.ts';
import { readId } from './claimed-ids.ts';
import { tablesOf } from './markdown-table.ts';

const folder = 'chaos/scenarios/kennel';
const document = 'docs/scenarios.md';

/**
 * What Kennel's own scenarios cover, without those that fail: which they are, docs/scenarios.md
 * says, and a test holds it to what their runs come to. Throws for a `covers` that is no id.
 */
export function scenarioClaims(root: string): readonly Claim[] {
  const passing = passingIds(readFileSync(join(root, document), 'utf8'));
  return globSync(`${folder}/*.json`, { cwd: root })
    .sort()
    .flatMap((file) => claimsOf(file, readFileSync(join(root, file), 'utf8')))
    .filter(({ source }) => passing.has(source));
}

function claimsOf(file: string, text: string): readonly Claim[] {
  const loaded = loadScenario(text);
  if (loaded.kind === 'invalid') throw new Error(`${file}: ${loaded.problems.join('; ')}`);
  const { id: source, title, 'x-kennel': kennel } = loaded.scenario;
  return (kennel?.covers ?? []).map((written) => {
    const id = readId(written);
    if (id === null) throw new Error(`${file} covers "${written}", which is no id`);
    return { ...id, kind: 'sim', source, title };
  });
}

function passingIds(text: string): ReadonlySet<string> {
  const table = tablesOf(text).find(
    ({ columns }) => columns.join() === 'scenario,what happens,covers,verdict',
  );
  if (table === undefined) throw new Error(`${document} has no table of Kennel's own scenarios`);
  const passed = table.rows.filter(([, , , verdict]) => verdict === 'pass');
  return new Set(passed.map(([id = '']) => id.replaceAll('`', '')));
}
