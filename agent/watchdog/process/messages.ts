import type { WatchdogAttestation } from '../../../src/core/model/node.ts';
import type { PetterPhase, PetterToken } from '../petter-core.ts';
import type { TokenAnswer } from '../petter.ts';

/** What is asked over the petter's socket, one JSON text per line; each is answered by one, in order. */
export type PetterAsk =
  | { readonly ask: 'attest' }
  | { readonly ask: 'token'; readonly token: PetterToken }
  | { readonly ask: 'drop' }
  | { readonly ask: 'status' }
  | { readonly ask: 'bite' }
  | { readonly ask: 'stop' };

export interface PetterStatus {
  readonly phase: PetterPhase;
  readonly isBiting: boolean;
  readonly device: string;
  readonly watchdog: WatchdogAttestation;
  /** Of the token that it has; null = none. */
  readonly incarnation: string | null;
  readonly leftMs: number | null;
  readonly vms: number;
}

export type PetterReply =
  | { readonly kind: 'attest'; readonly watchdog: WatchdogAttestation }
  | { readonly kind: 'token'; readonly answer: TokenAnswer }
  | { readonly kind: 'drop'; readonly dropped: boolean }
  | { readonly kind: 'status'; readonly status: PetterStatus }
  /** Of `bite` and `stop`; `because` says why not. */
  | { readonly kind: 'did'; readonly because: string | null }
  | { readonly kind: 'failed'; readonly because: string };

/** Longer lines are not read: a token of 10,000 VMs has 400 kB. */
export const longestLine = 1024 * 1024;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const plain: ReadonlySet<string> = new Set(['attest', 'drop', 'status', 'bite', 'stop']);

/**
 * Reads one line; null = it is nothing that is asked. By hand, because the petter imports nothing: what
 * it does not load cannot fail in it.
 */
export function readAsk(line: string): PetterAsk | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { ask } = value;
  if (typeof ask === 'string' && plain.has(ask)) return { ask } as PetterAsk;
  const token = ask === 'token' ? readToken(value['token']) : null;
  return token === null ? null : { ask: 'token', token };
}

/** Also of what an earlier petter kept. */
export function readToken(value: unknown): PetterToken | null {
  if (!isRecord(value)) return null;
  const { bootId, incarnation, deadlineMs, graceMs, vms, agentPid } = value;
  if (typeof bootId !== 'string' || typeof incarnation !== 'string') return null;
  if (!isTime(deadlineMs) || !isTime(graceMs)) return null;
  if (typeof agentPid !== 'number' || !Number.isInteger(agentPid) || agentPid <= 1) return null;
  if (!Array.isArray(vms) || !vms.every((vm) => typeof vm === 'string' && uuid.test(vm)))
    return null;
  return { bootId, incarnation, deadlineMs, graceMs, vms, agentPid };
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
