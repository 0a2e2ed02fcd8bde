import { html } from './html.ts';
import type { Html } from './html.ts';
import type { RealInput, SimInput } from './inputs.ts';
import { counted, duration, grouped } from './units.ts';

/** What broke, and the command that shows it again; null when nothing was run that could break. */
export function violationsSection(sim: SimInput | null, real: RealInput | null): Html | null {
  if (sim === null && real === null) return null;
  const rows = [
    ...(sim?.violations ?? []).map((each) => ({ ...each, where: `seed ${each.seed}` })),
    ...(real?.violations ?? []).map((each) => ({ ...each, where: realWhere(each.atMs) })),
  ];
  if (rows.length === 0) {
    return html`<section id="violations">
      <h2>Violations</h2>
      <p class="calm"><b class="mark good">✓</b> None. ${watched(sim, real)}</p>
    </section>`;
  }
  return html`<section id="violations">
    <h2>Violations</h2>
    <p class="loud">
      <b class="mark bad">✗</b> ${counted(rows.length, 'rule was', 'rules were')} broken. Each line
      names the checker that saw it and the command that plays the run again, event for event.
    </p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>where</th>
            <th>checker</th>
            <th>what it saw</th>
            <th>play it again</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ where, checker, message, replay }) =>
              html`<tr>
                <td class="tight">${where}</td>
                <td class="tight"><code>${checker}</code></td>
                <td class="long">${message}</td>
                <td><code class="command">${replay ?? 'real runs are not repeatable'}</code></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function realWhere(atMs: number | undefined): string {
  return atMs === undefined ? 'real run' : `real run, ${duration(atMs)}`;
}

function watched(sim: SimInput | null, real: RealInput | null): string {
  const runs = [
    ...(sim === null ? [] : [`${counted(sim.seeds, 'seed')} in the simulator`]),
    ...(real === null ? [] : [`${grouped(real.minutes)} min on real parts`]),
  ];
  return `The checkers watched ${runs.join(' and ')}.`;
}
