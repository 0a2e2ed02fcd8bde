import { scaleLinear, scalePoint } from 'd3-scale';
import { html } from './html.ts';
import type { Html } from './html.ts';
import type { RealInput } from './inputs.ts';
import { counted, duration, grouped } from './units.ts';

const width = 940;
const left = 190;
const right = 30;
const top = 8;
const laneHeight = 22;

/** A run on real parts: what was done to it, when and for how long, and the failovers that came. */
export function realSection(real: RealInput): Html {
  return html`<section id="real">
    <h2>Run on real parts</h2>
    <p>
      ${grouped(real.minutes)} min from seed <code>${real.seed}</code>:
      ${counted(real.faults.length, 'fault')}, ${counted(real.failovers.length, 'failover')},
      ${counted(real.violations.length, 'violation')}.
    </p>
    ${real.skipped === undefined ? null : html`<p>Nothing was run: ${real.skipped}</p>`}
    ${real.faults.length === 0 ? null : timeline(real)} ${undone(real)}
  </section>`;
}

function undone({ faults }: RealInput): Html | null {
  const failed = faults.filter((fault) => fault.failed !== undefined);
  if (failed.length === 0) return null;
  return html`<p>Faults that could not be done:</p>
    <ul>
      ${failed.map(
        ({ fault, target, failed: why }) => html`<li>${fault} ${target ?? ''}: ${why ?? ''}</li>`,
      )}
    </ul>`;
}

/** A lane for each kind of fault; a line down where a failover began. */
function timeline({ faults, failovers, minutes }: RealInput): Html {
  const done = faults.filter((fault) => fault.failed === undefined);
  const kinds = [...new Set(done.map(({ fault }) => fault))].sort();
  const endMs = Math.max(
    minutes * 60_000,
    ...done.map(({ atMs, durationMs }) => atMs + (durationMs ?? 0)),
    1,
  );
  const bottom = top + kinds.length * laneHeight;
  const x = scaleLinear()
    .domain([0, endMs])
    .range([left, width - right]);
  const lane = scalePoint()
    .domain(kinds)
    .range([top + laneHeight / 2, bottom - laneHeight / 2]);
  const ticks = timeTicks(endMs);
  return html`<div class="wide">
      <svg
        class="timeline"
        viewBox="0 0 ${width} ${bottom + 30}"
        role="img"
        aria-label="faults over time"
      >
        ${kinds.map(
          (kind) =>
            html`<line
                class="grid faint"
                x1="${left}"
                x2="${width - right}"
                y1="${lane(kind) ?? 0}"
                y2="${lane(kind) ?? 0}"
              />
              <text class="lane" x="${left - 10}" y="${(lane(kind) ?? 0) + 4}" text-anchor="end"
                >${kind}</text
              >`,
        )}
        ${ticks.map(
          (ms) =>
            html`<text class="tick" x="${at(x(ms))}" y="${bottom + 18}" text-anchor="middle"
              >${duration(ms)}</text
            >`,
        )}
        ${failovers.flatMap(({ atMs, node }) =>
          atMs == null
            ? []
            : [
                html`<line
                  class="failover"
                  x1="${at(x(atMs))}"
                  x2="${at(x(atMs))}"
                  y1="${top}"
                  y2="${bottom}"
                  ><title>failover of ${node ?? 'a node'} at ${duration(atMs)}</title></line
                >`,
              ],
        )}
        ${done.map(({ fault, target, atMs, durationMs }) => {
          const wide = Math.max(4, x(atMs + (durationMs ?? 0)) - x(atMs));
          return html`<rect
            class="fault"
            x="${at(x(atMs))}"
            y="${(lane(fault) ?? 0) - 6}"
            width="${at(wide)}"
            height="12"
            rx="3"
            ><title>
              ${fault} ${target ?? ''} at
              ${duration(atMs)}${durationMs == null ? '' : ` for ${duration(durationMs)}`}
            </title></rect
          >`;
        })}
      </svg>
    </div>
    <p class="note">
      <i class="swatch fault"></i>fault, as long as it lasted
      <i class="swatch failover"></i>failover
    </p>`;
}

const tickStepsSeconds = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400];

/** Round times from 0 to the end, ten at most. */
function timeTicks(endMs: number): readonly number[] {
  const stepMs = 1000 * (tickStepsSeconds.find((each) => endMs / each <= 10_000) ?? endMs / 10_000);
  return Array.from({ length: Math.floor(endMs / stepMs) + 1 }, (_, index) => index * stepMs);
}

const at = (value: number): number => Math.round(value * 10) / 10;
