const shape = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z$/;

/**
 * Milliseconds since 1970 of an ISO time in UTC, as the API writes them; null for anything else.
 * Arithmetic of the Gregorian calendar only: the clock of this machine is not asked.
 */
export function isoToMs(iso: string): number | null {
  const match = shape.exec(iso);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  const fraction = Number(`0.${match[7] ?? '0'}`);
  const seconds = daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
  return seconds * 1000 + Math.round(fraction * 1000);
}

/** Counts years from March, so that the leap day is the last day of a year. */
function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468;
}

/** `2026-11-22T09:40:54.120Z` → `09:40:54.120`; text of another shape stays as it is. */
export function timeOfDay(iso: string): string {
  if (!shape.test(iso)) return iso;
  const [clock = '', fraction = ''] = iso.slice(11, -1).split('.');
  return `${clock}.${fraction.padEnd(3, '0').slice(0, 3)}`;
}
