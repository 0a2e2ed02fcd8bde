import { z } from 'zod';
import { readAck } from '../src/api/schema/frequent-messages.ts';
import { commandSchema, managerMessageSchema } from '../src/api/schema/session.ts';
import type { AgentCommand, ManagerMessage } from '../src/api/schema/session.ts';
import type { JsonValue } from '../src/env/network.ts';
import type { CommandEnvelope } from './checks.ts';

/** A command that this version cannot read, with the operation to answer for. */
export interface UnreadableCommand {
  readonly operation: string | null;
  readonly because: string;
}

export type ReceivedMessage =
  | Exclude<ManagerMessage, { kind: 'commands' }>
  | {
      readonly kind: 'commands';
      readonly envelope: CommandEnvelope;
      readonly commands: readonly AgentCommand[];
      readonly unreadable: readonly UnreadableCommand[];
    }
  /** Not of the protocol: the session is over. */
  | { readonly kind: 'unreadable'; readonly because: string };

/**
 * Reads one message of a manager. Commands are read one by one: a single command of a newer version
 * must not end the session that carries the node's lease.
 */
export function readManagerMessage(value: JsonValue): ReceivedMessage {
  return readAck(value) ?? parseManagerMessage(value);
}

function parseManagerMessage(value: JsonValue): ReceivedMessage {
  const commands = commandsOf(value);
  // The envelope is checked apart from what it carries.
  const parsed = managerMessageSchema.safeParse(
    commands === null ? value : { ...(value as object), commands: [] },
  );
  if (!parsed.success) return { kind: 'unreadable', because: z.prettifyError(parsed.error) };
  const message = parsed.data;
  if (message.kind !== 'commands') return message;
  const { clusterId, epoch, incarnation } = message;
  return {
    kind: 'commands',
    envelope: { clusterId, epoch, incarnation },
    ...split(commands ?? []),
  };
}

function commandsOf(value: JsonValue): readonly JsonValue[] | null {
  if (value === null || typeof value !== 'object' || !('commands' in value)) return null;
  const { commands } = value;
  return Array.isArray(commands) ? commands : null;
}

function split(values: readonly JsonValue[]): {
  readonly commands: readonly AgentCommand[];
  readonly unreadable: readonly UnreadableCommand[];
} {
  const commands: AgentCommand[] = [];
  const unreadable: UnreadableCommand[] = [];
  for (const value of values) {
    const parsed = commandSchema.safeParse(value);
    if (parsed.success) commands.push(parsed.data);
    else unreadable.push({ operation: operationOf(value), because: z.prettifyError(parsed.error) });
  }
  return { commands, unreadable };
}

function operationOf(value: JsonValue): string | null {
  const parsed = z.object({ operation: z.string().min(1).max(128) }).safeParse(value);
  return parsed.success ? parsed.data.operation : null;
}
