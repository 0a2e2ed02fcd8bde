/** A duration as people write it. `ms` is a whole number. */
export type DurationResult =
  | { readonly kind: 'ok'; readonly ms: number }
  | { readonly kind: 'invalid'; readonly because: string };

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
type Unit = keyof typeof unitMs;
const units: readonly Unit[] = ['d', 'h', 'm', 's', 'ms'];

const longestMs = 365 * unitMs.d;

/**
 * Reads `250ms`, `30s`, `5m`, `1h30m`, `7d`. A bare number is refused: "60" has meant seconds in
 * one tool and minutes in the next.
 */
export function parseDuration(text: string): DurationResult {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    return invalid(`${trimmed} has no unit; write ${trimmed}s, ${trimmed}m or ${trimmed}h`);
  }
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[a-zµ]+)/gi)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== trimmed) {
    return invalid(`"${text}" is no duration; write for example 30s, 5m or 1h30m`);
  }
  let total = 0;
  let previous = -1;
  for (const [, amount = '', unitText = ''] of parts) {
    const rank = units.indexOf(unitText as Unit);
    const unit = units[rank];
    if (unit === undefined) {
      return invalid(`"${unitText}" is no unit of time here; use ms, s, m, h or d`);
    }
    if (rank <= previous) return invalid(`"${text}" has its units out of order; largest first`);
    previous = rank;
    total += Number(amount) * unitMs[unit];
  }
  if (!Number.isInteger(Math.round(total * 1e6) / 1e6)) {
    return invalid(`"${text}" is finer than one millisecond`);
  }
  if (total > longestMs) return invalid(`"${text}" is longer than 365d`);
  return { kind: 'ok', ms: Math.round(total) };
}

function invalid(because: string): DurationResult {
  return { kind: 'invalid', because };
}

/** The shortest exact form that `parseDuration` reads back: 90000 → `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = ms;
  let text = '';
  for (const unit of units) {
    const count = Math.floor(rest / unitMs[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs[unit];
  }
  return text;
}

/** An age or a remaining time for a table column: at most two units, no blank inside. */
export function formatAge(ms: number): string {
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${twoDigits(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${twoDigits(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${twoDigits(hours % 24)}h`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
