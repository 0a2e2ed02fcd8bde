import { z } from 'zod';
import { campaign, statesOf } from './campaign-claims.ts';
import type { Claim } from './claim.ts';
import { idsOfTitle } from './claimed-ids.ts';
import { labSource } from './scenario-claims.ts';
import type { ClaimState, JudgedClaim } from './coverage.ts';

/* What the reporters write: vitest's `json`, `chaos scenario` and `chaos real` with `--json`, `chaos sim --json`. */

const testsSchema = z.object({
  testResults: z.array(
    z.object({
      /** Path of the file on the machine that ran it. */
      name: z.string(),
      assertionResults: z.array(
        z.object({
          ancestorTitles: z.array(z.string()),
          title: z.string(),
          status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
        }),
      ),
    }),
  ),
});
const scenariosSchema = z.object({
  /** Where they were run; absent = in the simulator. */
  on: z.literal('lab').optional(),
  results: z.array(z.object({ id: z.string(), verdict: z.enum(['pass', 'fail', 'excluded']) })),
});
const campaignSchema = z.object({
  seeds: z.number(),
  violations: z.array(z.unknown()),
  sometimes: z.record(z.string(), z.number()),
});

const resultsSchema = z.union([testsSchema, scenariosSchema, campaignSchema]);

/** What was run, in the form in which claims ask for it. */
export type RunResults = z.infer<typeof resultsSchema>;

/** Null when the JSON value is of none of the three forms. */
export function readResults(value: unknown): RunResults | null {
  return resultsSchema.safeParse(value).data ?? null;
}

/** Without results every claim stays one; with any, a claim that is in none of them was not run. */
export function judgeClaims(
  claims: readonly Claim[],
  results: readonly RunResults[],
): readonly JudgedClaim[] {
  if (results.length === 0) return claims.map((claim) => ({ ...claim, state: 'claimed' }));
  const passed = new Map<string, boolean>();
  for (const each of results) {
    for (const [name, isPassed] of endsOf(each, claims)) {
      passed.set(name, isPassed && passed.get(name) !== false);
    }
  }
  return claims.map((claim) => ({ ...claim, state: stateOf(passed.get(nameOf(claim))) }));
}

function stateOf(isPassed: boolean | undefined): ClaimState {
  if (isPassed === undefined) return 'notRun';
  return isPassed ? 'green' : 'red';
}

type Named = Pick<Claim, 'source' | 'id' | 'case'>;
const nameOf = ({ source, id, case: name }: Named): string => `${source} ${id}/${name ?? ''}`;

function endsOf(
  results: RunResults,
  claims: readonly Claim[],
): readonly (readonly [string, boolean])[] {
  if ('testResults' in results) return testEnds(results, claims);
  if ('results' in results) {
    const { on } = results;
    const verdicts = new Map(
      results.results.map(({ id, verdict }) => [on === 'lab' ? labSource(id) : id, verdict]),
    );
    return claims.flatMap((claim) => {
      const verdict = verdicts.get(claim.source);
      return verdict === undefined ? [] : [[nameOf(claim), verdict === 'pass'] as const];
    });
  }
  return claims
    .filter(({ source, id }) => source === campaign && isReached(results.sometimes, id))
    .map((claim) => [nameOf(claim), results.violations.length === 0]);
}

function testEnds(
  { testResults }: z.infer<typeof testsSchema>,
  claims: readonly Claim[],
): readonly (readonly [string, boolean])[] {
  const sources = [...new Set(claims.map(({ source }) => source))];
  return testResults.flatMap(({ name, assertionResults }) => {
    const path = name.replaceAll('\\', '/');
    const source = sources.find((each) => path === each || path.endsWith(`/${each}`));
    if (source === undefined) return [];
    return assertionResults
      .filter(({ status }) => status === 'passed' || status === 'failed')
      .flatMap(({ ancestorTitles, title, status }) =>
        [...ancestorTitles, title]
          .flatMap(idsOfTitle)
          .map((id) => [nameOf({ ...id, source }), status === 'passed'] as const),
      );
  });
}

function isReached(counts: Readonly<Record<string, number>>, id: string): boolean {
  return statesOf(id).every((state) => (counts[state] ?? 0) > 0);
}
