import type { FenceContext, FenceError } from '../../driver.ts';
import { fenceError, redact } from '../../fence-error.ts';
import { type IpmiCall, ipmiArguments, isCommand, killDeadlineMs } from './arguments.ts';
import { type IpmiOutcome, parseIpmiResult, withoutNoise } from './parse-result.ts';
import { type IpmiSettings, parseIpmiSettings, passwordProblem } from './settings.ts';

const maxOutputBytes = 65_536;
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

export type IpmiAnswer =
  | {
      readonly kind: 'answer';
      readonly outcome: Exclude<IpmiOutcome, { kind: 'error' }>;
      readonly detail: string;
    }
  | { readonly kind: 'failed'; readonly error: FenceError };

/** Settings and password of a call, checked, or the `CONFIG` error that forbids it. */
export function preparedCall(
  context: FenceContext,
  during: 'command' | 'reading',
):
  | { readonly kind: 'ready'; readonly settings: IpmiSettings; readonly password: string }
  | { readonly kind: 'failed'; readonly error: FenceError } {
  const parsed = parseIpmiSettings(context.settings);
  if (parsed.kind === 'invalid') {
    return { kind: 'failed', error: fenceError('CONFIG', parsed.problems.join('; '), during) };
  }
  const password = context.secrets['password'];
  const problem = passwordProblem(password);
  if (password === undefined || problem !== null) {
    return { kind: 'failed', error: fenceError('CONFIG', problem ?? 'password: missing', during) };
  }
  return { kind: 'ready', settings: parsed.settings, password };
}

/** Runs one ipmitool to its end or its kill deadline, whichever comes first. Never rejects. */
export async function callIpmitool(
  context: FenceContext,
  settings: IpmiSettings,
  password: string,
  call: IpmiCall,
): Promise<IpmiAnswer> {
  const result = await context.env.processes.run({
    file: 'ipmitool',
    arguments: ipmiArguments(settings, call),
    input: password,
    environment,
    timeoutMs: killDeadlineMs(call, context.timeoutMs),
    maxOutputBytes,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const outcome = parseIpmiResult(call.verb, result);
  const detail = redact(withoutNoise(result), { ...context.secrets, password });
  if (outcome.kind !== 'error') return { kind: 'answer', outcome, detail };
  const error = fenceError(outcome.code, detail, isCommand(call.verb) ? 'command' : 'reading');
  return { kind: 'failed', error: outcome.neverSent ? { ...error, mayHaveActed: false } : error };
}
