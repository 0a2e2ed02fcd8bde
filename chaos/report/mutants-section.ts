import { html } from './html.ts';
import type { Html } from './html.ts';
import type { MutantsInput } from './inputs.ts';
import { counted } from './units.ts';

/** Defects planted on purpose: what survives shows that a checker is missing. */
export function mutantsSection({ mutants }: MutantsInput): Html {
  const survivors = mutants.filter(({ caught }) => !caught);
  const caught = mutants
    .filter((each) => each.caught)
    .sort((a, b) => b.seeds - a.seeds || (a.name < b.name ? -1 : 1));
  const verdict =
    survivors.length === 0
      ? html`<b class="mark good">✓</b> All ${counted(mutants.length, 'planted defect')} were
          caught.`
      : html`<b class="mark bad">✗</b> ${counted(survivors.length, 'planted defect')} of
          ${mutants.length} survived: a checker is missing.`;
  return html`<section id="mutants">
    <h2>Planted defects</h2>
    <p>
      The checkers are only worth what they can see. Each defect is put into the product on purpose,
      by itself, and must be found. ${mutants.length === 0 ? 'None was planted.' : verdict}
    </p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>defect</th>
            <th>what it does</th>
            <th>caught by</th>
            <th class="number">seeds needed</th>
          </tr>
        </thead>
        <tbody>
          ${[...survivors, ...caught].map(
            (each) =>
              html`<tr>
                <td class="tight"><code>${each.name}</code></td>
                <td class="long">${each.summary}</td>
                <td class="tight">
                  ${
                    each.caught
                      ? html`<code>${each.checker ?? 'a checker'}</code>`
                      : html`<b class="mark bad">✗</b> survived`
                  }
                </td>
                <td class="number">${each.seeds}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
