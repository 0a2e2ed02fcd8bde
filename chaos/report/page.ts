import { campaignSection } from './campaign-section.ts';
import { coverageSection } from './coverage-section.ts';
import { html, trusted } from './html.ts';
import type { ReportInputs } from './inputs.ts';
import { mutantsSection } from './mutants-section.ts';
import { realSection } from './real-section.ts';
import { recoverySection } from './recovery-section.ts';
import { scenariosSection } from './scenarios-section.ts';
import { style } from './style.ts';
import { summarySection } from './summary-section.ts';
import { violationsSection } from './violations-section.ts';

/** Nothing is fetched and no script runs, whatever a message says and wherever the page is opened. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/**
 * One page that holds everything: no script, no picture, no font and no address of anything else.
 *
 * @param madeAt when it was made, as a person reads it.
 */
export function reportPage(inputs: ReportInputs, madeAt: string): string {
  const { sim, real, mutants, scenarios, coverage } = inputs;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>Kennel: chaos report, ${madeAt}</title>
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        <header>
          <h1>Kennel chaos report</h1>
          <p>${madeAt}</p>
        </header>
        <main>
          ${summarySection(inputs)} ${violationsSection(sim, real)} ${recoverySection(sim, real)}
          ${real === null ? null : realSection(real)} ${sim === null ? null : campaignSection(sim)}
          ${mutants === null ? null : mutantsSection(mutants)}
          ${coverage === null ? null : coverageSection(coverage)}
          ${scenarios === null ? null : scenariosSection(scenarios)}
        </main>
        <footer>
          Made by <code>kennel chaos report</code> from what the other commands wrote. Rules and
          checkers: docs/testing.md. Rows of the failure catalogue: docs/failures.md.
        </footer>
      </body>
    </html>`;
  return `${page.text}\n`;
}
