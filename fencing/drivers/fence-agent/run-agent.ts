import type { FenceContext, FenceError } from '../../driver.ts';
import { fenceError, redact } from '../../fence-error.ts';
import {
  parseAgentResult,
  agentText,
  type AgentAction,
  type AgentOutcome,
} from './parse-result.ts';
import { type AgentSettings, textOf } from './settings.ts';

const maxOutputBytes = 262_144;
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

export type AgentAnswer =
  | {
      readonly kind: 'answer';
      readonly outcome: Exclude<AgentOutcome, { kind: 'error' }>;
      readonly detail: string;
    }
  | { readonly kind: 'failed'; readonly error: FenceError };

/** Takes ipmitool's place where an agent drives it: the password in an argument is for all to see. */
const ipmitoolStandIn = decodeURIComponent(new URL('./ipmitool.sh', import.meta.url).pathname);

/**
 * Secrets that an agent would hand to ipmitool as an argument, with the reason; names, no values. Its
 * password alone can be given in another way.
 */
export function shownSecrets(
  { agent, drivesIpmitool }: AgentSettings,
  secrets: FenceContext['secrets'],
): readonly string[] {
  if (!drivesIpmitool) return [];
  return Object.keys(secrets)
    .filter((name) => name !== 'password')
    .map(
      (name) =>
        `${name}: ${agent} gives it to ipmitool as an argument, where every user of the manager’s machine can read it`,
    );
}

/**
 * Runs an agent to its end, or kills it with everything it started. Everything it is told travels on
 * standard input; an agent that is not told its action reboots. A command that started may have acted.
 */
export async function runAgent(
  context: FenceContext,
  settings: AgentSettings,
  action: 'status' | 'off' | 'on',
  timeoutMs: number,
): Promise<AgentAnswer> {
  if (timeoutMs <= 0) {
    const error = fenceError('TIMEOUT', 'the time for the call is over', 'reading');
    return { kind: 'failed', error };
  }
  const told: Readonly<Record<string, string | number | boolean>> = {
    ...settings.parameters,
    ...(settings.drivesIpmitool
      ? { '#kennel-password': context.secrets['password'] ?? '', ipmitool_path: ipmitoolStandIn }
      : context.secrets),
    // Last, so that nothing can take their place.
    action,
    delay: 0,
  };
  // Many agents take a switch that is there for on, whatever its value: `ssl_insecure=0` checks no
  // certificate, and `quiet=0` keeps back why something failed.
  const lines = Object.entries(told)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => `${name}=${textOf(value)}\n`);
  const result = await context.env.processes.run({
    file: settings.agent,
    arguments: [],
    input: lines.join(''),
    environment,
    timeoutMs,
    maxOutputBytes,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const outcome = parseAgentResult(action, result);
  const detail = redact(agentText(result), context.secrets);
  if (outcome.kind !== 'error') return { kind: 'answer', outcome, detail };
  const during = action === 'status' ? 'reading' : 'command';
  const error = fenceError(outcome.code, detail, during);
  const mayHaveActed = during === 'command' && result.kind !== 'notStarted';
  return { kind: 'failed', error: { ...error, mayHaveActed } };
}

/** The agent's own description of itself, as it prints it; needs no device and no secret. */
export async function readMetadata(
  context: FenceContext,
  agent: string,
): Promise<
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly error: FenceError }
> {
  const result = await context.env.processes.run({
    file: agent,
    arguments: ['-o', 'metadata'],
    input: '',
    environment,
    timeoutMs: context.timeoutMs,
    maxOutputBytes,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const outcome: AgentOutcome = parseAgentResult('metadata' satisfies AgentAction, result);
  if (outcome.kind !== 'error' && result.kind === 'exited')
    return { kind: 'text', text: result.stdout };
  const code = outcome.kind === 'error' ? outcome.code : 'PROTOCOL';
  return { kind: 'failed', error: fenceError(code, `${agent}: ${agentText(result)}`, 'reading') };
}
