import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import type { Distribution } from './distribution.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

export interface PlotSeries {
  readonly name: string;
  /** Class of the style sheet that gives it its colour. */
  readonly className: string;
  readonly distribution: Distribution;
}

type Point = Distribution['cumulative'][number];

const width = 560;
const height = 250;
const margin = { top: 12, right: 16, bottom: 40, left: 46 } as const;
const tickSeconds = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** From the shortest to the longest time of several distributions, ms; null when there is none. */
export function timeSpan(distributions: readonly Distribution[]): readonly [number, number] | null {
  const times = distributions.flatMap(({ cumulative }) => cumulative.map(({ ms }) => ms));
  return times.length === 0 ? null : [Math.min(...times), Math.max(...times)];
}

/**
 * Cumulative curves over a logarithmic time axis: at each time, the share that was done by then. All
 * plots that are to be compared get the same span.
 */
export function recoveryPlot(series: readonly PlotSeries[], span: readonly [number, number]): Html {
  const [fromMs, toMs] = span;
  const x = scaleLog()
    .domain([fromMs * 0.94, toMs * 1.06])
    .range([margin.left, width - margin.right]);
  const y = scaleLinear()
    .domain([0, 1])
    .range([height - margin.bottom, margin.top]);
  const curve = line<Point>(
    ({ ms }) => x(ms),
    ({ share }) => y(share),
  );
  const ticks = tickSeconds.filter(
    (each) => each * 1000 >= fromMs * 0.94 && each * 1000 <= toMs * 1.06,
  );
  const right = width - margin.right;
  const label = series.map(({ name }) => name).join(', ');
  return html`<svg
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="share done over time: ${label}"
  >
    ${[0, 0.25, 0.5, 0.75, 1].map(
      (share) =>
        html`<line
            class="grid"
            x1="${margin.left}"
            x2="${right}"
            y1="${at(y(share))}"
            y2="${at(y(share))}"
          /><text class="tick" x="${margin.left - 8}" y="${at(y(share) + 4)}" text-anchor="end"
            >${Math.round(share * 100)} %</text
          >`,
    )}
    ${ticks.map(
      (seconds) =>
        html`<line
            class="grid faint"
            x1="${at(x(seconds * 1000))}"
            x2="${at(x(seconds * 1000))}"
            y1="${margin.top}"
            y2="${height - margin.bottom}"
          /><text
            class="tick"
            x="${at(x(seconds * 1000))}"
            y="${height - margin.bottom + 17}"
            text-anchor="middle"
            >${seconds} s</text
          >`,
    )}
    ${series.map(
      ({ className, distribution }) =>
        html`<path
          class="curve ${className}"
          d="${curve(toTheEnd(distribution, toMs * 1.06)) ?? ''}"
        />`,
    )}
    <text class="axis" x="${(margin.left + right) / 2}" y="${height - 6}" text-anchor="middle">
      since the last sign of life (logarithmic)
    </text>
  </svg>`;
}

/** What was done stays done: the curve goes on at its height. */
function toTheEnd({ cumulative }: Distribution, endMs: number): Point[] {
  const last = cumulative.at(-1);
  return last === undefined ? [] : [...cumulative, { ms: endMs, share: last.share }];
}

/** A tenth of a pixel is enough, and keeps the page small. */
const at = (value: number): number => Math.round(value * 10) / 10;
