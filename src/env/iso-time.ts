/** Wall-clock arithmetic for things that people set: expiry of tokens, dates of certificates. */
export function isoAfter(iso: string, delayMs: number): string {
  return new Date(Date.parse(iso) + delayMs).toISOString();
}

/** Milliseconds from one ISO time to a later one; negative when it is earlier. */
export function isoDifferenceMs(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}
