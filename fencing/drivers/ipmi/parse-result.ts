import type { ProcessResult } from '../../../src/env/processes.ts';
import type { FenceErrorCode } from '../../driver.ts';
import type { IpmiVerb } from './arguments.ts';

/** What one call of ipmitool came to. `neverSent` holds when no power command can have left. */
export type IpmiOutcome =
  | { readonly kind: 'power'; readonly power: 'on' | 'off' }
  | { readonly kind: 'accepted' }
  /** 32 hexadecimal digits in the order of the wire; null where the BMC has no GUID command. */
  | { readonly kind: 'guid'; readonly guid: string | null }
  | { readonly kind: 'error'; readonly code: FenceErrorCode; readonly neverSent: boolean };

interface Row {
  readonly text: RegExp;
  readonly code: FenceErrorCode;
}

/** The subject keeps optional requests that ipmitool sends on its own out of the match. */
const refused =
  /(?:Set Chassis Power Control to \S+|Get Chassis Power Status|IPMI command|Set Session Privilege Level to \S+) failed: ([^\n]+)/;

/**
 * Texts of failed calls, tried in this order. A lost answer comes first because it alone means
 * that a command left; every other text here is of a session that never stood, or of a call that
 * never began. ipmitool ends with 1 in all of these cases.
 */
const failures: readonly Row[] = [
  { text: /Unable to (?:set Chassis Power Control|get Chassis Power Status)/, code: 'TIMEOUT' },
  { text: /IPMI response is NULL/, code: 'TIMEOUT' },
  { text: /Unable to read password/, code: 'CONFIG' },
  { text: /password is longer than \d+ bytes/, code: 'CONFIG' },
  { text: /Username is too long/, code: 'CONFIG' },
  { text: /RAKP 2 HMAC is invalid/, code: 'AUTH_PASSWORD' },
  { text: /unauthorized name/, code: 'AUTH_USER' },
  { text: /unauthorized role|invalid role/, code: 'PRIVILEGE' },
  // Silence after the session was opened: an unknown user, or a BMC that has just died.
  { text: /no response from RAKP [13] message/, code: 'UNREACHABLE' },
  { text: /invalid (?:authentication|integrity|confidentiality) algorithm/, code: 'CIPHER' },
  { text: /algorithm 0x[0-9a-f]+ is not what we requested/, code: 'CIPHER' },
  { text: /no cipher suite match/, code: 'CIPHER' },
  { text: /Unsupported cipher suite ID/, code: 'CONFIG' },
  { text: /insufficient resources/, code: 'SESSION_LIMIT' },
  { text: /Address lookup for .* failed/, code: 'DNS' },
  { text: /Unable to establish IPMI v2 \/ RMCP\+ session/, code: 'UNREACHABLE' },
];

/** Completion codes as ipmitool words them; every other one is a `BMC_ERROR`. */
const completions: readonly Row[] = [
  { text: /^Node busy/, code: 'BMC_BUSY' },
  { text: /^Insufficient privilege level/, code: 'PRIVILEGE' },
  { text: /^Command not supported in present state/, code: 'STATE' },
];

/**
 * Reads the result of ipmitool 1.8 for one verb. Only the expected text together with code 0 is a
 * success; what matches nothing is `UNKNOWN`. A killed call says nothing of what the BMC did.
 */
export function parseIpmiResult(verb: IpmiVerb, result: ProcessResult): IpmiOutcome {
  if (result.kind === 'notStarted') return notStarted(result.because);
  if (result.kind === 'killed') return killed(verb, result);
  const text = `${result.stdout}\n${result.stderr}`;
  const success = result.code === 0 ? parseSuccess[verb](text) : null;
  return success ?? parseFailure(verb, text);
}

function notStarted(because: string): IpmiOutcome {
  if (because === 'aborted') return error('CANCELLED', true);
  return error(/ENOENT|EACCES|no such program/.test(because) ? 'TOOL_MISSING' : 'UNKNOWN', true);
}

function killed(verb: IpmiVerb, result: ProcessResult & { kind: 'killed' }): IpmiOutcome {
  if (result.because === 'aborted') return error('CANCELLED', false);
  const reading = verb === 'status' || verb === 'guid';
  const silent = /no response from RAKP 1 message/.test(`${result.stdout}\n${result.stderr}`);
  return error(reading && silent ? 'UNREACHABLE' : 'TIMEOUT', false);
}

const parseSuccess: Readonly<Record<IpmiVerb, (text: string) => IpmiOutcome | null>> = {
  status: parsePower,
  off: (text) => parseAccepted(text, 'Down/Off'),
  on: (text) => parseAccepted(text, 'Up/On'),
  guid: parseGuid,
};

function parsePower(text: string): IpmiOutcome | null {
  const power = /^Chassis Power is (on|off)\s*$/m.exec(text)?.[1];
  return power === 'on' || power === 'off' ? { kind: 'power', power } : null;
}

function parseAccepted(text: string, expected: string): IpmiOutcome | null {
  const done = /^Chassis Power Control: (\S+)\s*$/m.exec(text)?.[1];
  if (done === undefined) return null;
  return done === expected ? { kind: 'accepted' } : error('PROTOCOL', false);
}

function parseGuid(text: string): IpmiOutcome | null {
  const guid = /^System GUID\s*:\s*([0-9A-Fa-f-]{32,36})\s*$/m.exec(text)?.[1];
  return guid === undefined ? null : { kind: 'guid', guid: normalGuid(guid) };
}

function parseFailure(verb: IpmiVerb, text: string): IpmiOutcome {
  const row = failures.find((candidate) => candidate.text.test(text));
  if (row !== undefined) return error(row.code, row.code !== 'TIMEOUT');
  const completion = refused.exec(text)?.[1];
  if (completion === undefined) return error('UNKNOWN', false);
  if (verb === 'guid' && completion.startsWith('Invalid command')) {
    return { kind: 'guid', guid: null };
  }
  const code = completions.find((candidate) => candidate.text.test(completion))?.code;
  return code === undefined ? error('BMC_ERROR', false) : error(code, true);
}

/** Cheap BMCs answer with all zeros or all ones, which names no machine. */
function normalGuid(text: string): string | null {
  const digits = text.replaceAll('-', '').toLowerCase();
  if (digits.length !== 32 || /^(0+|f+)$/.test(digits)) return null;
  return digits;
}

function error(code: FenceErrorCode, neverSent: boolean): IpmiOutcome {
  return { kind: 'error', code, neverSent };
}

const noise =
  /^(?:Loading IANA PEN Registry.*|Get HPM\.x Capabilities request failed.*|Running Get VSO Capabilities.*|Invalid completion code received:.*|Discovered IPMB address.*|Password:\s*|\s*)$/;

/** Both outputs without the lines that every call with `-v` prints. */
export function withoutNoise(result: ProcessResult): string {
  if (result.kind === 'notStarted') return result.because;
  const lines = `${result.stdout}\n${result.stderr}`.split('\n');
  const text = lines.filter((line) => !noise.test(line)).join('; ');
  if (result.kind === 'exited') return text;
  return text === '' ? `killed (${result.because})` : `killed (${result.because}): ${text}`;
}
