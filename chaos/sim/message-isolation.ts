import type { JsonValue } from '../../src/env/network.ts';

/**
 * How a message is kept apart from its sender's memory, which in the simulator is its receiver's
 * memory too.
 *
 * - `reference`: as it is. Free; right only because code that fails `freeze` was fixed.
 * - `freeze`: frozen deeply, so that whoever changes a message later throws. For tests.
 * - `json`: written and parsed again, as on a wire. Dearest; shows values that JSON cannot carry.
 */
export type MessageIsolation = 'reference' | 'freeze' | 'json';

/** The message as the receiver gets it. */
export function isolated(message: JsonValue, isolation: MessageIsolation): JsonValue {
  if (isolation === 'json') return JSON.parse(JSON.stringify(message)) as JsonValue;
  if (isolation === 'freeze') freezeDeeply(message);
  return message;
}

function freezeDeeply(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freezeDeeply(member);
}
