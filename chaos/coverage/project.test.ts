import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { kindsAsked } from './catalogue.ts';
import { coverageOf } from './coverage.ts';
import { missingFeatures } from './missing-features.ts';
import { coveragePage, coveredIn } from './page.ts';
import { projectClaims } from './project.ts';
import type { ProjectClaims } from './project.ts';
import { judgeClaims } from './results.ts';

const committed = readFileSync(new URL('../../docs/coverage.md', import.meta.url), 'utf8');

describe('the coverage of this project', () => {
  let project: ProjectClaims;
  let page = '';

  beforeAll(async () => {
    project = await projectClaims();
    page = coveragePage(coverageOf(project.catalogue, judgeClaims(project.claims, [])));
  });

  test('every id that a test, a scenario or a campaign names is in the catalogue', () => {
    expect(project.problems).toEqual([]);
  });

  test('no row that was covered is lost', () => {
    const is = coveredIn(page);
    expect([...coveredIn(committed)].filter((row) => !is.has(row))).toEqual([]);
  });

  test('docs/coverage.md is what the claims say (npm run docs)', () => {
    expect(committed).toBe(page);
  });

  test('tests of every kind are seen', () => {
    const kinds = new Set(project.claims.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['real', 'sim', 'unit']);
    expect(project.claims.length).toBeGreaterThan(200);
  });

  test('the catalogue holds its 141 rows and the invariants, each asked for somewhere', () => {
    expect(project.catalogue.filter(({ id }) => !id.startsWith('I'))).toHaveLength(141);
    expect(project.catalogue.every((row) => kindsAsked(row).length > 0)).toBe(true);
    const twenty = project.catalogue.find(({ id }) => id === 'V12')?.cases ?? [];
    expect(new Set(twenty).size).toBe(20);
  });

  test('a feature that is missing is missed by rows that there are', () => {
    const ids = new Set(project.catalogue.map(({ id }) => id));
    for (const [feature, rows] of Object.entries(missingFeatures)) {
      expect({ feature, unknown: rows.filter((id) => !ids.has(id)) }).toEqual({
        feature,
        unknown: [],
      });
    }
  });
});
