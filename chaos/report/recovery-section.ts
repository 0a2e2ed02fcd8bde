import { distributionOf, distributionOfTimes, quantileMs } from './distribution.ts';
import type { Distribution } from './distribution.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import type { RealInput, Recovery, SimInput } from './inputs.ts';
import { recoveryPlot, timeSpan } from './recovery-plot.ts';
import { duration } from './units.ts';

const stages = ['detected', 'proven', 'started'] as const;
const stageTexts = {
  detected: 'counted as lost',
  proven: 'proven dead',
  started: 'VM runs again',
} as const;
const proofTexts: Readonly<Record<string, string>> = {
  powerOff: 'its fence device reads Off',
  newBoot: 'it came back with another boot id',
  selfFence: 'its lease and its watchdog ran out',
  kdump: 'its crash kernel spoke',
  storageCut: 'it was cut off its storage',
  attested: 'a person said so',
};

interface Stage {
  readonly stage: (typeof stages)[number];
  readonly distribution: Distribution;
}

/** How long failovers took, one plot for each kind of proof; null when no report tells. */
export function recoverySection(sim: SimInput | null, real: RealInput | null): Html | null {
  const simulated = panelsOf(sim?.recovery ?? []);
  const measured = real === null ? [] : realPanels(real);
  const all = [...simulated, ...measured].flatMap((panel) => panel.stages);
  const span = timeSpan(all.map(({ distribution }) => distribution));
  if (span === null) return null;
  const plots = (panels: readonly Panel[], where: string): readonly Html[] =>
    panels.map((panel) => panelOf(panel, where, span));
  return html`<section id="recovery">
    <h2>Recovery times</h2>
    <p>
      How long after the last sign of life of a node its failover reached each step. A curve tells
      which share was done by then: the further left, the faster. A node that one manager still
      hears, or that a person asked to fence, may count as lost sooner than its silence is long.
      Simulated times include the faults that struck on the way, dead fence devices and dead leaders
      among them, and so have long ends.
    </p>
    <div class="plots">${plots(measured, 'on real parts')}${plots(simulated, 'simulated')}</div>
  </section>`;
}

interface Panel {
  readonly proof: string;
  readonly stages: readonly Stage[];
}

function panelsOf(recovery: readonly Recovery[]): readonly Panel[] {
  const proofs = [...new Set(recovery.map(({ proof }) => proof))];
  const panels = proofs.map((proof) => ({
    proof,
    stages: stages.flatMap((stage) => {
      const found = recovery.find((each) => each.proof === proof && each.stage === stage);
      return found === undefined ? [] : [{ stage, distribution: distributionOf(found) }];
    }),
  }));
  return panels.sort((a, b) => totalOf(b) - totalOf(a));
}

const totalOf = ({ stages: each }: Panel): number => each[0]?.distribution.total ?? 0;

function panelOf(
  { proof, stages: each }: Panel,
  where: string,
  span: readonly [number, number],
): Html {
  const series = each.map(({ stage, distribution }) => ({
    name: stageTexts[stage],
    className: stage,
    distribution,
  }));
  return html`<figure>
    <figcaption>
      <code>${proof}</code> <span>${proofTexts[proof] ?? ''}</span> <em>${where}</em>
    </figcaption>
    ${recoveryPlot(series, span)}
    <table class="quantiles">
      <thead>
        <tr>
          <th>step</th>
          <th>count</th>
          <th>half</th>
          <th>95 %</th>
          <th>99 %</th>
        </tr>
      </thead>
      <tbody>
        ${each.map(
          ({ stage, distribution }) =>
            html`<tr>
              <th><i class="swatch ${stage}"></i>${stageTexts[stage]}</th>
              <td>${distribution.total}</td>
              ${[0.5, 0.95, 0.99].map((share) => html`<td>${timeAt(distribution, share)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </figure>`;
}

function timeAt(distribution: Distribution, share: number): string {
  const ms = quantileMs(distribution, share);
  return ms === null ? 'longer than was measured' : `≤ ${duration(ms)}`;
}

const realFields = {
  detected: 'detectedMs',
  proven: 'provenMs',
  started: 'lastStartMs',
} as const;

/** Panels of times that were measured one by one. */
function realPanels({ failovers }: RealInput): readonly Panel[] {
  const proofs = [...new Set(failovers.flatMap(({ proof }) => (proof == null ? [] : [proof])))];
  return proofs.flatMap((proof) => {
    const own = failovers.filter((each) => each.proof === proof);
    const found = stages.flatMap((stage) => {
      const times = own.flatMap((each) => each[realFields[stage]] ?? []).filter((ms) => ms > 0);
      return times.length === 0 ? [] : [{ stage, distribution: distributionOfTimes(times) }];
    });
    return found.length === 0 ? [] : [{ proof, stages: found }];
  });
}
