import { html } from './html.ts';
import type { Html } from './html.ts';
import type { CoverageInput } from './inputs.ts';

type Row = CoverageInput['rows'][number];
type Look = 'covered' | 'partly' | 'open' | 'red';

const looks: Readonly<Record<Look, { readonly mark: string; readonly text: string }>> = {
  covered: { mark: '✓', text: 'shown by every kind of test that the row asks for' },
  partly: { mark: '◐', text: 'a test or a part of the product is missing' },
  open: { mark: '·', text: 'nothing shows it yet' },
  red: { mark: '✗', text: 'a test that shows it failed' },
};

/** The failure catalogue as tiles, one for each row, and what the open rows wait for. */
export function coverageSection({ rows }: CoverageInput): Html {
  const groups = [...new Set(rows.map(({ group }) => group))];
  return html`<section id="coverage">
    <h2>Failure catalogue</h2>
    <p>
      What can go wrong, row by row.
      ${Object.entries(looks).map(
        ([look, { mark, text }]) =>
          html`<span class="key"><i class="tile ${look}">${mark}</i> ${text}</span> `,
      )}
    </p>
    <table class="catalogue">
      <tbody>
        ${groups.map((group) =>
          groupRow(
            group,
            rows.filter((row) => row.group === group),
          ),
        )}
      </tbody>
    </table>
    ${waiting(rows)} ${details(rows)}
  </section>`;
}

function groupRow(group: string, rows: readonly Row[]): Html {
  const covered = rows.filter((row) => lookOf(row) === 'covered').length;
  return html`<tr>
    <th>${group}</th>
    <td class="number">${covered} / ${rows.length}</td>
    <td class="tiles">
      ${rows.map(
        (row) =>
          html`<span class="tile ${lookOf(row)}" title="${row.id}: ${row.scenario}"
            >${row.id}<small>${looks[lookOf(row)].mark}</small></span
          >`,
      )}
    </td>
  </tr>`;
}

function waiting(rows: readonly Row[]): Html | null {
  const byFeature = new Map<string, string[]>();
  for (const { id, missing } of rows) {
    for (const feature of missing) byFeature.set(feature, [...(byFeature.get(feature) ?? []), id]);
  }
  if (byFeature.size === 0) return null;
  const list = [...byFeature].sort(([, a], [, b]) => b.length - a.length);
  return html`<details>
    <summary>What rows wait for (${list.length})</summary>
    <table>
      <thead>
        <tr>
          <th>missing</th>
          <th>rows</th>
        </tr>
      </thead>
      <tbody>
        ${list.map(
          ([feature, ids]) =>
            html`<tr>
              <td class="long">${feature}</td>
              <td class="long">${ids.join(' ')}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

function details(rows: readonly Row[]): Html {
  return html`<details>
    <summary>Every row (${rows.length})</summary>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>id</th>
            <th>what goes wrong</th>
            <th>asked</th>
            <th>sim</th>
            <th>real</th>
            <th>unit</th>
            <th>missing</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                <td>${row.id}</td>
                <td class="long">${row.scenario}</td>
                <td>${row.tested}</td>
                ${[row.kinds.sim, row.kinds.real, row.kinds.unit].map(
                  (kind) => html`<td>${kindMark(kind)}</td>`,
                )}
                <td class="long">${row.missing.join('; ')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

function kindMark({ asked, cases, casesClaimed }: Row['kinds']['sim']): string {
  if (casesClaimed === cases) return '✓';
  if (casesClaimed > 0) return `${casesClaimed}/${cases}`;
  return asked ? '–' : '';
}

const lookOf = ({ red, status }: Row): Look => (red ? 'red' : status);
