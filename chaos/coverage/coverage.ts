import type { Catalogue, CatalogueRow, TestKind } from './catalogue.ts';
import { kindsAsked, testKinds } from './catalogue.ts';
import type { Claim } from './claim.ts';
import { missingFor } from './missing-features.ts';

/** How a claim ended. `claimed`: it is there; whether it holds was not given. */
export type ClaimState = 'claimed' | 'green' | 'red' | 'notRun';

export interface JudgedClaim extends Claim {
  readonly state: ClaimState;
}

/** One row under one kind of test. */
export interface KindCoverage {
  readonly isAsked: boolean;
  readonly claims: readonly JudgedClaim[];
  /** Cases of the row that are claimed, of so many; one of one for a row without cases. */
  readonly casesClaimed: number;
  readonly cases: number;
  /** The worst of its claims; null = there is none. */
  readonly state: ClaimState | null;
}

export type RowStatus = 'covered' | 'partly' | 'open';

export interface RowCoverage {
  readonly row: CatalogueRow;
  readonly kinds: Readonly<Record<TestKind, KindCoverage>>;
  /** `covered`: every kind and case that is asked for, and no part of the outcome is missing. */
  readonly status: RowStatus;
  /** A claim of a kind that is asked for did not hold. */
  readonly isRed: boolean;
  /** The features that it waits for; when there are none, the tests. */
  readonly missing: readonly string[];
}

export function coverageOf(
  catalogue: Catalogue,
  claims: readonly JudgedClaim[],
): readonly RowCoverage[] {
  return catalogue.map((row) => {
    const own = claims.filter(({ id }) => id === row.id);
    const kinds = {
      sim: kindCoverage(row, 'sim', own),
      real: kindCoverage(row, 'real', own),
      unit: kindCoverage(row, 'unit', own),
    };
    const asked = testKinds.filter((kind) => kinds[kind].isAsked);
    const features = missingFor(row.id);
    const gaps = asked.flatMap((kind) => gapOf(kind, kinds[kind]));
    const missing = features.length > 0 ? features : gaps;
    const isSeen = testKinds.some((kind) => kinds[kind].casesClaimed > 0);
    const status = missing.length === 0 ? 'covered' : isSeen ? 'partly' : 'open';
    return {
      row,
      kinds,
      status,
      missing,
      isRed: asked.some((kind) => kinds[kind].state === 'red'),
    };
  });
}

function kindCoverage(
  row: CatalogueRow,
  kind: TestKind,
  own: readonly JudgedClaim[],
): KindCoverage {
  const claims = own.filter((claim) => claim.kind === kind);
  const named = new Set(
    claims.flatMap((claim) => (claim.case === '*' ? row.cases : [claim.case ?? ''])),
  );
  const cases = Math.max(1, row.cases.length);
  const casesClaimed =
    row.cases.length === 0
      ? Math.min(1, claims.length)
      : row.cases.filter((name) => named.has(name)).length;
  return {
    isAsked: kindsAsked(row).includes(kind),
    claims,
    cases,
    casesClaimed,
    state: worst(claims.map(({ state }) => state)),
  };
}

/** One that failed outweighs all that held; one that held, those that were not run. */
function worst(states: readonly ClaimState[]): ClaimState | null {
  const order: readonly ClaimState[] = ['red', 'green', 'notRun', 'claimed'];
  return order.find((state) => states.includes(state)) ?? null;
}

const testNames = { sim: 'a simulated test', real: 'a real test', unit: 'a unit test' } as const;

function gapOf(kind: TestKind, { cases, casesClaimed }: KindCoverage): readonly string[] {
  if (casesClaimed === cases) return [];
  return [casesClaimed === 0 ? testNames[kind] : `${testNames[kind]} of each case`];
}

export interface CoverageCount {
  readonly covered: number;
  readonly partly: number;
  readonly open: number;
  readonly red: number;
}

export function countCoverage(rows: readonly RowCoverage[]): CoverageCount {
  const of = (status: RowStatus): number => rows.filter((row) => row.status === status).length;
  return {
    covered: of('covered'),
    partly: of('partly'),
    open: of('open'),
    red: rows.filter(({ isRed }) => isRed).length,
  };
}
