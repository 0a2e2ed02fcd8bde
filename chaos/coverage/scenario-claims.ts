import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labVerdicts, sectionOf } from '../scenarios/docs-tables.ts';
import { loadScenario } from '../scenarios/load.ts';
import type { Claim } from './claim.ts';
import { readId } from './claimed-ids.ts';
import { tablesOf } from './markdown-table.ts';

const folder = 'chaos/scenarios/kennel';
const document = 'docs/scenarios.md';

/**
 * What Kennel's own scenarios cover, without those that fail: which they are, docs/scenarios.md
 * says. A test holds it to what their runs in the simulator come to; of labs it says what
 * `kennel chaos real --docs` saw last. Throws for a `covers` that is no id.
 */
export function scenarioClaims(root: string): readonly Claim[] {
  const text = readFileSync(join(root, document), 'utf8');
  const passing = passingIds(text);
  const onLabs = new Map(labVerdicts(sectionOf(text, 'lab')));
  const claims = globSync(`${folder}/*.json`, { cwd: root })
    .sort()
    .flatMap((file) => claimsOf(file, readFileSync(join(root, file), 'utf8')));
  return [
    ...claims.filter(({ source }) => passing.has(source)),
    ...claims
      .filter(({ source }) => onLabs.get(source) === 'pass')
      .map((claim): Claim => ({ ...claim, kind: 'real', source: labSource(claim.source) })),
  ];
}

/** Source of what a scenario shows on a lab, beside what it shows in the simulator. */
export function labSource(id: string): string {
  return `${id} on a lab`;
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
