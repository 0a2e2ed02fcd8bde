import { html } from './html.ts';
import type { Html } from './html.ts';
import { grouped } from './units.ts';

export interface Bar {
  readonly name: string;
  readonly count: number;
}

/**
 * Counts as bars. Lengths go by the square root: what is rare must be seen beside what is common,
 * and the number stands there as well.
 */
export function bars(list: readonly Bar[]): Html {
  const most = Math.max(1, ...list.map(({ count }) => count));
  return html`<table class="bars">
    <tbody>
      ${list.map(
        ({ name, count }) =>
          html`<tr class="${count === 0 ? 'never' : 'some'}">
            <th>${name}</th>
            <td>${count === 0 ? 'never' : grouped(count)}</td>
            <td>
              <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect width="${lengthOf(count, most)}" height="10" rx="1" />
              </svg>
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** In percent; the least that happened is still visible. */
function lengthOf(count: number, most: number): number {
  return count === 0 ? 0 : Math.max(0.8, Math.round(Math.sqrt(count / most) * 1000) / 10);
}
