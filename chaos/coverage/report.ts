import type { TestKind } from './catalogue.ts';
import { testKinds } from './catalogue.ts';
import { countCoverage } from './coverage.ts';
import type {
  ClaimState,
  CoverageCount,
  KindCoverage,
  RowCoverage,
  RowStatus,
} from './coverage.ts';

export interface KindReport {
  readonly asked: boolean;
  readonly casesClaimed: number;
  readonly cases: number;
  readonly state: ClaimState | null;
  readonly claims: readonly {
    readonly source: string;
    readonly title: string;
    readonly state: ClaimState;
  }[];
}

/** What `kennel chaos coverage --json` writes. */
export interface CoverageReport {
  readonly count: CoverageCount;
  readonly rows: readonly {
    readonly id: string;
    readonly group: string;
    readonly scenario: string;
    readonly tested: string;
    readonly status: RowStatus;
    readonly red: boolean;
    readonly missing: readonly string[];
    readonly kinds: Readonly<Record<TestKind, KindReport>>;
  }[];
}

export function coverageReport(rows: readonly RowCoverage[]): CoverageReport {
  return {
    count: countCoverage(rows),
    rows: rows.map(({ row, kinds, status, isRed, missing }) => ({
      id: row.id,
      group: row.group,
      scenario: row.scenario,
      tested: row.tested,
      status,
      red: isRed,
      missing,
      kinds: {
        sim: kindReport(kinds.sim),
        real: kindReport(kinds.real),
        unit: kindReport(kinds.unit),
      },
    })),
  };
}

function kindReport({ isAsked, cases, casesClaimed, state, claims }: KindCoverage): KindReport {
  return {
    asked: isAsked,
    casesClaimed,
    cases,
    state,
    claims: claims.map((claim) => ({
      source: claim.source,
      title: claim.title,
      state: claim.state,
    })),
  };
}

const stateMarks = { claimed: '✓', green: '✓', notRun: '?', red: '✗' } as const;

/** One line for each row, by group, and the counts at the end. */
export function coverageLines(rows: readonly RowCoverage[]): readonly string[] {
  const groups = [...new Set(rows.map(({ row }) => row.group))];
  const lines = groups.flatMap((group) => {
    const own = rows.filter(({ row }) => row.group === group);
    const { covered } = countCoverage(own);
    return ['', `${group}: ${covered} of ${own.length} covered`, ...own.map(rowLine)];
  });
  const { covered, partly, open, red } = countCoverage(rows);
  const reds = red === 0 ? '' : `, ${red} red`;
  return [...lines.slice(1), '', `${covered} covered, ${partly} partly, ${open} open${reds}`];
}

function rowLine({ row, kinds, status, missing, isRed }: RowCoverage): string {
  const marks = testKinds.map((kind) => `${kind} ${markOf(kinds[kind])}`.padEnd(9)).join('');
  const end = [isRed ? 'red' : status, ...(missing.length === 0 ? [] : [missing.join('; ')])];
  return `  ${row.id.padEnd(5)}${marks} ${end.join(': ')}`;
}

function markOf({ isAsked, cases, casesClaimed, state }: KindCoverage): string {
  if (state === null || casesClaimed === 0) return isAsked ? '–' : ' ';
  return cases === casesClaimed ? stateMarks[state] : `${casesClaimed}/${cases}`;
}

/** Everything about one row, for whoever is to cover it. */
export function rowLines({ row, kinds, status, missing }: RowCoverage): readonly string[] {
  return [
    `${row.id}  ${row.scenario}`,
    `  outcome  ${row.outcome}`,
    `  tested   ${row.tested}`,
    `  status   ${status}${missing.length === 0 ? '' : `, missing: ${missing.join('; ')}`}`,
    ...testKinds.flatMap((kind) =>
      kinds[kind].claims.map(
        ({ source, title, state }) =>
          `  ${kind.padEnd(7)}  ${stateMarks[state]} ${source}: ${title}`,
      ),
    ),
  ];
}
