import { missingFeatures } from './needs.ts';
import type { MissingFeature } from './needs.ts';
import type { Scenario } from './schema.ts';
import { featureOf } from './verdict.ts';
import type { ScenarioResult } from './verdict.ts';

const ownPrefix = 'kennel-';

/**
 * The document with its generated tables made from these results: one for the scenarios of this
 * repository, one for those of others. A kind of which there are no results keeps its table.
 */
export function withTables(
  text: string,
  scenarios: readonly Scenario[],
  results: readonly ScenarioResult[],
): string {
  const isOwn = (one: ScenarioResult): boolean => one.id.startsWith(ownPrefix);
  const own = results.filter(isOwn);
  const others = results.filter((one) => !isOwn(one));
  let next = text;
  if (own.length > 0) next = withSection(next, 'own', ownTable(scenarios, own));
  if (others.length > 0) next = withSection(next, 'neutral', neutralTables(others));
  return next;
}

/**
 * The document with what became of scenarios on a lab. Those of which there is no result now keep what
 * the table says of them.
 */
export function withLabTable(
  text: string,
  scenarios: readonly Scenario[],
  results: readonly ScenarioResult[],
): string {
  const verdicts = new Map(labVerdicts(sectionOf(text, 'lab')));
  for (const { id, verdict, reasons } of results) {
    if (!id.startsWith(ownPrefix)) continue;
    verdicts.set(id, verdict === 'pass' ? verdict : `${verdict}: ${reasons.join('; ')}`);
  }
  for (const { id } of scenarios) {
    if (id.startsWith(ownPrefix) && !verdicts.has(id)) verdicts.set(id, 'not run');
  }
  const rows = [...verdicts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, verdict]) => `| \`${id}\` | ${verdict.replaceAll('|', '/')} |`);
  return withSection(text, 'lab', ['| scenario | on a lab |', '|---|---|', ...rows].join('\n'));
}

/** Id and verdict of each row of the table of labs. */
export function labVerdicts(section: string): readonly (readonly [string, string])[] {
  return [...section.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, id = '', verdict = '']) => [
    id,
    verdict,
  ]);
}

/** What stands between the marks of a section now. */
export function sectionOf(text: string, name: 'own' | 'neutral' | 'lab'): string {
  const { start, end } = marksOf(text, name);
  return text.slice(start, end);
}

function withSection(text: string, name: 'own' | 'neutral' | 'lab', body: string): string {
  const { start, end } = marksOf(text, name);
  return `${text.slice(0, start)}\n\n${body}\n\n${text.slice(end)}`;
}

function marksOf(text: string, name: string): { readonly start: number; readonly end: number } {
  const begin = `<!-- generated: ${name} -->`;
  const at = text.indexOf(begin);
  const end = text.indexOf('<!-- end -->', at);
  if (at < 0 || end < 0) throw new Error(`the document has no section ${name}`);
  return { start: at + begin.length, end };
}

function ownTable(scenarios: readonly Scenario[], results: readonly ScenarioResult[]): string {
  const rows = results.map((result) => {
    const scenario = scenarios.find((one) => one.id === result.id);
    const covers = scenario?.['x-kennel']?.covers.join(', ') ?? '';
    const verdict =
      result.verdict === 'fail' ? `**fail**: ${result.reasons.join('; ')}` : result.verdict;
    return `| \`${result.id}\` | ${scenario?.title ?? ''} | ${covers} | ${verdict} |`;
  });
  return ['| scenario | what happens | covers | verdict |', '|---|---|---|---|', ...rows].join(
    '\n',
  );
}

function neutralTables(results: readonly ScenarioResult[]): string {
  const ids = (list: readonly ScenarioResult[]): string =>
    list.map((one) => `\`${one.id}\``).join(', ') || 'none';
  const byVerdict = (verdict: ScenarioResult['verdict']): readonly ScenarioResult[] =>
    results.filter((one) => one.verdict === verdict);
  const passed = byVerdict('pass');
  const failed = byVerdict('fail');
  const excluded = byVerdict('excluded');
  const needs = (result: ScenarioResult, feature: MissingFeature): boolean =>
    result.reasons.some((reason) => featureOf(reason) === feature);
  const features = (Object.keys(missingFeatures) as MissingFeature[]).sort();
  const rows = features.map((feature) => {
    const waiting = failed.filter((one) => needs(one, feature));
    return `| ${feature} | ${missingFeatures[feature]} | ${ids(waiting)} |`;
  });
  const wrong = failed.filter((one) => !one.reasons.some((reason) => featureOf(reason) !== null));
  return [
    `Passed (${passed.length}): ${ids(passed)}.`,
    `Excluded (${excluded.length}): ${ids(excluded)}.`,
    `Failed although nothing is missing (${wrong.length}): ${ids(wrong)}.`,
    ...wrong.map((one) => `- \`${one.id}\`: ${one.reasons.join('; ')}`),
    `Failed for want of a feature (${failed.length - wrong.length}):`,
    ['| missing | what it is | scenarios that need it |', '|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}
