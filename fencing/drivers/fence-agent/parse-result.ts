import type { ProcessResult } from '../../../src/env/processes.ts';
import type { FenceErrorCode } from '../../driver.ts';

export type AgentAction = 'status' | 'off' | 'on' | 'metadata';

export type AgentOutcome =
  | { readonly kind: 'power'; readonly power: 'on' | 'off' }
  /** The agent ended well; `isSaid`: and said of itself that it did what it was asked. */
  | { readonly kind: 'ended'; readonly isSaid: boolean }
  | { readonly kind: 'error'; readonly code: FenceErrorCode };

interface Row {
  readonly text: RegExp;
  readonly code: FenceErrorCode;
}

/** Agents end with 1 whatever went wrong; finer causes exist as text alone. Tried in this order. */
const failures: readonly Row[] = [
  { text: /Timed out waiting to power/, code: 'NOT_VERIFIED' },
  {
    text: /You have to set login password|(?:bad|wrong|invalid|incorrect) (?:user|pass)|[Aa]uthentication (?:fail|error)|HTTP (?:Error )?401|Unauthorized|RAKP 2 HMAC/i,
    code: 'AUTH_PASSWORD',
  },
  {
    text: /do(?:es)? not have the correct privileges|HTTP (?:Error )?403|Forbidden/i,
    code: 'PRIVILEGE',
  },
  {
    text: /[Ss]ession ?[Ll]imit|insufficient resources for session|too many sessions/i,
    code: 'SESSION_LIMIT',
  },
  {
    text: /Name or service not known|Temporary failure in name resolution|No address associated/,
    code: 'DNS',
  },
  { text: /Read timed out|read timeout/i, code: 'TIMEOUT' },
  {
    text: /Unable to connect\/login|Connection refused|No route to host|Network is unreachable|Max retries exceeded|Connection timed out|Connection lost/,
    code: 'UNREACHABLE',
  },
  { text: /\b(?:busy|ResourceInUse|ServiceTemporarilyUnavailable)\b/i, code: 'BMC_BUSY' },
  {
    text: /You have to (?:set|enter)|Parse error|not recognized|Failed: (?:You|Unrecognised)/i,
    code: 'CONFIG',
  },
  { text: /Unable to obtain correct plug status/, code: 'BMC_ERROR' },
];

const said: Readonly<Record<'off' | 'on', RegExp>> = {
  off: /^Success: (?:Powered OFF|Already OFF)\s*$/m,
  on: /^Success: (?:Powered ON|Already ON)\s*$/m,
};

/**
 * Reads how an agent ended. Of `status` 0 is on, 2 is off and nothing else is a reading; a text that
 * says otherwise makes it none. `Rebooted` in answer to `off` is a broken protocol.
 */
export function parseAgentResult(action: AgentAction, result: ProcessResult): AgentOutcome {
  if (result.kind === 'notStarted') return notStarted(result.because);
  if (result.kind === 'killed') {
    return error(result.because === 'aborted' ? 'CANCELLED' : 'TIMEOUT');
  }
  const text = `${result.stdout}\n${result.stderr}`;
  if (/Success: Rebooted/.test(text)) return error('PROTOCOL');
  if (action === 'status') return reading(result.code, result.stdout) ?? failure(text);
  if (result.code !== 0) return failure(text);
  return { kind: 'ended', isSaid: action === 'metadata' || said[action].test(result.stdout) };
}

function reading(code: number, stdout: string): AgentOutcome | null {
  if (code !== 0 && code !== 2) return null;
  const power = code === 0 ? 'on' : 'off';
  const word = /^Status: (\S+)\s*$/m.exec(stdout)?.[1]?.toLowerCase();
  if (word !== undefined && word !== power) return error('PROTOCOL');
  return { kind: 'power', power };
}

function failure(text: string): AgentOutcome {
  return error(failures.find((row) => row.text.test(text))?.code ?? 'UNKNOWN');
}

function notStarted(because: string): AgentOutcome {
  if (because === 'aborted') return error('CANCELLED');
  return error(/ENOENT|EACCES|no such program/.test(because) ? 'TOOL_MISSING' : 'UNKNOWN');
}

function error(code: FenceErrorCode): AgentOutcome {
  return { kind: 'error', code };
}

const noise = /DeprecationWarning|^\s*from pipes import|^\s*$/;

/** What the agent wrote, without the remarks of its interpreter. */
export function agentText(result: ProcessResult): string {
  if (result.kind === 'notStarted') return result.because;
  const lines = `${result.stdout}\n${result.stderr}`.split('\n');
  const text = lines.filter((line) => !noise.test(line)).join('; ');
  return result.kind === 'exited' ? text : `killed (${result.because}): ${text}`;
}
