import { html } from './html.ts';
import type { Html } from './html.ts';
import type { ScenariosInput } from './inputs.ts';
import { counted } from './units.ts';

/** Scenario files and what their runs came to, the failed ones first, with their reasons. */
export function scenariosSection({ results }: ScenariosInput): Html {
  const of = (verdict: string): ScenariosInput['results'] =>
    results.filter((each) => each.verdict === verdict);
  const [passed, failed, excluded] = [of('pass'), of('fail'), of('excluded')];
  return html`<section id="scenarios">
    <h2>Scenarios</h2>
    <p>
      ${counted(passed.length, 'scenario')} passed, ${failed.length} failed, ${excluded.length} mean
      nothing here and were left out.
    </p>
    ${
      failed.length === 0
        ? null
        : html`<div class="wide">
            <table>
              <thead>
                <tr>
                  <th>failed</th>
                  <th>why</th>
                </tr>
              </thead>
              <tbody>
                ${failed.map(
                  ({ id, reasons }) =>
                    html`<tr>
                      <td class="tight"><code>${id}</code></td>
                      <td class="long">${reasons.map((reason) => html`<div>${reason}</div>`)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
    ${names('Passed', passed)} ${names('Left out', excluded)}
  </section>`;
}

function names(what: string, results: ScenariosInput['results']): Html | null {
  if (results.length === 0) return null;
  return html`<details>
    <summary>${what} (${results.length})</summary>
    <p class="names">${results.map(({ id }) => html`<code>${id}</code> `)}</p>
  </details>`;
}
