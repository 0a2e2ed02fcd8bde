import { crc32 } from 'node:zlib';
import { z } from 'zod';

const journalled = [
  'start',
  'permit',
  'resume',
  'act',
  'prepare',
  'migrate',
  'abort',
  'release',
] as const;

/**
 * A command that was accepted and whose end is not on disk yet. After a crash it tells which
 * starts the hypervisor may still be working on.
 */
export interface JournalEntry {
  readonly operation: string;
  readonly kind: (typeof journalled)[number];
  readonly vm: string;
  readonly token: number;
  readonly incarnation: string;
}

/** What an agent must remember over its own death. */
export interface AgentState {
  readonly clusterId: string;
  readonly node: string;
  readonly bootId: string;
  readonly incarnation: string;
  /** Newest epoch accepted. */
  readonly epoch: number;
  /** Newest token seen per VM; the one changed last comes last. */
  readonly tokens: ReadonlyMap<string, number>;
  readonly journal: readonly JournalEntry[];
}

/** VMs of earlier incarnations that are remembered; see `pruned`. */
const keptTokens = 4096;

const magic = 'kennel-agent-state 1';

const stateSchema = z.object({
  clusterId: z.string(),
  node: z.string(),
  bootId: z.string(),
  incarnation: z.string(),
  epoch: z.int().min(0),
  tokens: z.array(z.tuple([z.string(), z.int().min(0)])),
  journal: z.array(
    z.object({
      operation: z.string(),
      kind: z.enum(journalled),
      vm: z.string(),
      token: z.int().min(0),
      incarnation: z.string(),
    }),
  ),
});

/** One header line with format and CRC-32 of the rest, then JSON: readable by people, too. */
export function encodeState(state: AgentState): Uint8Array {
  const body = `${JSON.stringify({ ...state, tokens: [...state.tokens] }, null, 1)}\n`;
  return new TextEncoder().encode(`${magic} ${checksum(body)}\n${body}`);
}

export type DecodedState =
  | { readonly kind: 'ok'; readonly state: AgentState }
  | { readonly kind: 'damaged'; readonly because: string };

export function decodeState(bytes: Uint8Array): DecodedState {
  const text = new TextDecoder().decode(bytes);
  const end = text.indexOf('\n');
  const header = text.slice(0, Math.max(0, end));
  const body = text.slice(end + 1);
  if (!header.startsWith(`${magic} `)) return damaged('it does not begin as a state file does');
  if (header !== `${magic} ${checksum(body)}`) return damaged('its checksum does not match');
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return damaged('it is not JSON');
  }
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success) return damaged(z.prettifyError(parsed.error));
  return { kind: 'ok', state: { ...parsed.data, tokens: new Map(parsed.data.tokens) } };
}

/** The state with at least these values. Never lowers an epoch or a token. */
export function raised(
  state: AgentState,
  floor: { readonly epoch: number; readonly vm?: string; readonly token?: number },
): AgentState {
  const epoch = Math.max(state.epoch, floor.epoch);
  if (floor.vm === undefined || floor.token === undefined) return { ...state, epoch };
  const tokens = new Map(state.tokens);
  const token = Math.max(tokens.get(floor.vm) ?? 0, floor.token);
  tokens.delete(floor.vm);
  tokens.set(floor.vm, token);
  return { ...state, epoch, tokens };
}

/** The state with one more command under way, and with the epoch and token it came with. */
export function begun(state: AgentState, epoch: number, entry: JournalEntry): AgentState {
  const floor = raised(state, { epoch, vm: entry.vm, token: entry.token });
  return { ...floor, journal: [...state.journal, entry] };
}

/** The state after the end of a command. */
export function ended(state: AgentState, operation: string): AgentState {
  return { ...state, journal: state.journal.filter((entry) => entry.operation !== operation) };
}

/**
 * Keeps the file bounded: of the VMs that earlier incarnations met, the last 4096. What an earlier
 * incarnation was told cannot reach this one (the incarnation check), so nothing rests on the rest.
 */
export function pruned(state: AgentState): AgentState {
  const entries = [...state.tokens];
  return { ...state, tokens: new Map(entries.slice(-keptTokens)) };
}

const damaged = (because: string): DecodedState => ({ kind: 'damaged', because });

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}
