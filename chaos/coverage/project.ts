import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KennelError } from '../../src/errors/kennel-error.ts';
import { campaignClaims } from './campaign-claims.ts';
import { readCatalogue } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { Claim } from './claim.ts';
import { problemOf } from './claimed-ids.ts';
import { scenarioClaims } from './scenario-claims.ts';

export interface ProjectClaims {
  readonly catalogue: Catalogue;
  readonly claims: readonly Claim[];
  /** Names that begin with ids of which one claims nothing, each with its reason and place. */
  readonly problems: readonly string[];
}

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The catalogue and all that claims rows of it. Throws `KennelError` where there are no tests. */
export async function projectClaims(root: string = projectRoot): Promise<ProjectClaims> {
  if (!existsSync(join(root, 'vitest.config.ts'))) throw noCheckout();
  const catalogue = readCatalogue(readFileSync(join(root, 'docs/failures.md'), 'utf8'));
  // The parser comes with a checkout only.
  const [{ SourceTree }, { everyTitledId, testClaims }] = await Promise.all([
    import('./source-tree.ts'),
    import('./test-claims.ts'),
  ]);
  const tree = new SourceTree(root);
  const others = [...scenarioClaims(root), ...campaignClaims()];
  // Other lists have ids of their own (`E2: …`): a letter that is no group of ours claims nothing.
  const groups = new Set(catalogue.map(({ id }) => id.charAt(0)));
  const titled = everyTitledId(tree).filter(({ id }) => groups.has(id.charAt(0)));
  const problems = [...titled, ...others].flatMap((claim) => {
    const problem = problemOf(claim, catalogue);
    return problem === null ? [] : [`${problem} (${claim.source}: ${claim.title})`];
  });
  return { catalogue, claims: [...testClaims(tree), ...others], problems };
}

function noCheckout(): KennelError {
  return new KennelError({
    code: 'E_PREREQUISITE',
    what: 'coverage of the failure catalogue cannot be told here',
    because: 'it is read from the tests, and this installation has none',
    so: 'nothing was read',
    try: ['run it in a checkout of the project', 'read docs/coverage.md'],
  });
}
