/** Store keys that are not cluster objects. Objects live under `<kind>/<id>` (`keyOf`). */
export const keys = {
  /** Rewritten by every leader write; its revision orders them (see `LeaderWriter`). */
  barrier: 'barrier',
  events: 'event/',
  secrets: 'secret/',
  joinTokens: 'token/',
  /** Hash of the last sealed failover record. */
  chain: 'chain',
  /** What is wrong for longer and was announced as an event. */
  alarms: 'alarms',
} as const;

/** Enough for the keys to sort as their numbers do, for ever. */
const digits = 12;

export function eventKey(sequence: number): string {
  return `${keys.events}${String(sequence).padStart(digits, '0')}`;
}

export function eventSequence(key: string): number {
  return Number(key.slice(keys.events.length));
}

export function secretKey(node: string, device: string): string {
  return `${keys.secrets}${node}/${device}`;
}

export function joinTokenKey(id: string): string {
  return `${keys.joinTokens}${id}`;
}
