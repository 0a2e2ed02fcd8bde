import { describe, expect, it } from 'vitest';
import type { ProcessResult } from '../../../src/env/processes.ts';
import type { FenceErrorCode } from '../../driver.ts';
import type { IpmiVerb } from './arguments.ts';
import { parseIpmiResult, withoutNoise } from './parse-result.ts';

/** What every call with `-v` and OPERATOR privilege prints beside its result. */
const chatter = [
  'Loading IANA PEN Registry...',
  'Get HPM.x Capabilities request failed, compcode = d4',
  'Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20',
  'Invalid completion code received: Insufficient privilege level',
  'Discovered IPMB address 0x0',
].join('\n');
const noSession = 'Error: Unable to establish IPMI v2 / RMCP+ session';

function exited(code: number, stdout: string, stderr = ''): ProcessResult {
  return { kind: 'exited', code, stdout, stderr: `${chatter}\n${stderr}` };
}

function failure(code: FenceErrorCode, neverSent: boolean) {
  return { kind: 'error', code, neverSent };
}

interface Row {
  readonly row: string;
  readonly verb: IpmiVerb;
  readonly result: ProcessResult;
  readonly outcome: unknown;
}

const down = 'Chassis Power Control: Down/Off\n';
const up = 'Chassis Power Control: Up/On\n';
const lost = 'Unable to set Chassis Power Control to Down/Off\n';
const closeFailed = 'Close Session command failed\n';

function refused(row: string, verb: IpmiVerb, text: string, code: FenceErrorCode): Row {
  const neverSent = code !== 'BMC_ERROR';
  return { row, verb, result: exited(1, '', text), outcome: failure(code, neverSent) };
}

function unopened(row: string, text: string, code: FenceErrorCode): Row {
  return { row, verb: 'off', result: exited(1, '', text), outcome: failure(code, true) };
}

const table: readonly Row[] = [
  {
    row: 'status on',
    verb: 'status',
    result: exited(0, 'Chassis Power is on\n'),
    outcome: { kind: 'power', power: 'on' },
  },
  {
    row: 'status off',
    verb: 'status',
    result: exited(0, 'Chassis Power is off\n'),
    outcome: { kind: 'power', power: 'off' },
  },
  {
    row: 'status of a slow BMC',
    verb: 'status',
    result: exited(0, 'Chassis Power is off\n', closeFailed),
    outcome: { kind: 'power', power: 'off' },
  },
  { row: 'off', verb: 'off', result: exited(0, down), outcome: { kind: 'accepted' } },
  { row: 'on', verb: 'on', result: exited(0, up), outcome: { kind: 'accepted' } },
  {
    row: 'off of a slow BMC',
    verb: 'off',
    result: exited(0, down, closeFailed),
    outcome: { kind: 'accepted' },
  },
  {
    row: 'on as the answer to off',
    verb: 'off',
    result: exited(0, up),
    outcome: failure('PROTOCOL', false),
  },
  unopened('wrong password', `> RAKP 2 HMAC is invalid\n${noSession}`, 'AUTH_PASSWORD'),
  unopened(
    'wrong user',
    `RAKP 2 message indicates an error : unauthorized name\n${noSession}`,
    'AUTH_USER',
  ),
  unopened(
    'wrong user, silent BMC',
    `> Error: no response from RAKP 1 message\nSet Session Privilege Level to OPERATOR failed\n${noSession}`,
    'UNREACHABLE',
  ),
  unopened(
    'suite refused',
    `Error in open session response message : invalid authentication algorithm\n${noSession}`,
    'CIPHER',
  ),
  unopened(
    'another suite answered',
    `Authentication algorithm 0x01 is not what we requested 0x03\n${noSession}`,
    'CIPHER',
  ),
  unopened('unknown suite', `Unsupported cipher suite ID : 99\n${noSession}`, 'CONFIG'),
  unopened(
    'no session left',
    `Error in open session response message : insufficient resources for session\n${noSession}`,
    'SESSION_LIMIT',
  ),
  unopened('unreachable', noSession, 'UNREACHABLE'),
  unopened(
    'unreachable, with the request that was lost',
    `Get Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\n${noSession}`,
    'UNREACHABLE',
  ),
  unopened(
    'name does not resolve',
    `Address lookup for no-such.invalid failed\nCould not open socket!\n${noSession}`,
    'DNS',
  ),
  unopened(
    'role refused at the session',
    `RAKP 2 message indicates an error : unauthorized role or privilege level requested\n${noSession}`,
    'PRIVILEGE',
  ),
  unopened('password of 21 bytes', 'password is longer than 20 bytes', 'CONFIG'),
  unopened('user of 17 bytes', 'Username is too long (> 16 bytes)', 'CONFIG'),
  unopened(
    'password that did not arrive',
    `Unable to read password from file /dev/stdin\n> RAKP 2 HMAC is invalid\n${noSession}`,
    'CONFIG',
  ),
  refused(
    'privilege too low',
    'off',
    'Set Chassis Power Control to Down/Off failed: Insufficient privilege level',
    'PRIVILEGE',
  ),
  refused('busy', 'off', 'Set Chassis Power Control to Down/Off failed: Node busy', 'BMC_BUSY'),
  refused(
    'not in this state',
    'off',
    'Set Chassis Power Control to Down/Off failed: Command not supported in present state',
    'STATE',
  ),
  refused(
    'unspecified error',
    'off',
    'Set Chassis Power Control to Down/Off failed: Unspecified error',
    'BMC_ERROR',
  ),
  refused(
    'invalid field',
    'on',
    'Set Chassis Power Control to Up/On failed: Invalid data field in request',
    'BMC_ERROR',
  ),
  refused(
    'another completion code',
    'status',
    'Get Chassis Power Status failed: Timeout',
    'BMC_ERROR',
  ),
  {
    row: 'BMC dies during off',
    verb: 'off',
    result: exited(1, '', `${lost}${closeFailed}`),
    outcome: failure('TIMEOUT', false),
  },
  {
    row: 'BMC dies during off, after a refusal of something else',
    verb: 'off',
    result: exited(1, '', `IPMI command failed: Node busy\n${lost}`),
    outcome: failure('TIMEOUT', false),
  },
  {
    row: 'BMC too slow for a status',
    verb: 'status',
    result: exited(1, '', 'Unable to get Chassis Power Status\nIPMI Request Match NOT FOUND'),
    outcome: failure('TIMEOUT', false),
  },
  {
    row: 'killed at the deadline',
    verb: 'off',
    result: { kind: 'killed', because: 'timeout', stdout: '', stderr: '' },
    outcome: failure('TIMEOUT', false),
  },
  {
    row: 'killed after it printed success',
    verb: 'off',
    result: { kind: 'killed', because: 'timeout', stdout: down, stderr: '' },
    outcome: failure('TIMEOUT', false),
  },
  {
    row: 'killed reading, while the BMC kept silent about the user',
    verb: 'status',
    result: {
      kind: 'killed',
      because: 'timeout',
      stdout: '',
      stderr: '> Error: no response from RAKP 1 message\n',
    },
    outcome: failure('UNREACHABLE', false),
  },
  {
    row: 'aborted',
    verb: 'off',
    result: { kind: 'killed', because: 'aborted', stdout: '', stderr: '' },
    outcome: failure('CANCELLED', false),
  },
  {
    row: 'killed by a stranger',
    verb: 'off',
    result: { kind: 'killed', because: 'signal', stdout: '', stderr: '' },
    outcome: failure('TIMEOUT', false),
  },
  {
    row: 'tool missing',
    verb: 'off',
    result: { kind: 'notStarted', because: 'spawn ipmitool ENOENT' },
    outcome: failure('TOOL_MISSING', true),
  },
  {
    row: 'no process to be had',
    verb: 'off',
    result: { kind: 'notStarted', because: 'spawn ipmitool EAGAIN' },
    outcome: failure('UNKNOWN', true),
  },
  {
    row: 'success text with a failure code',
    verb: 'off',
    result: exited(1, down),
    outcome: failure('UNKNOWN', false),
  },
  {
    row: 'code 0 without a word',
    verb: 'off',
    result: exited(0, ''),
    outcome: failure('UNKNOWN', false),
  },
  {
    row: 'code 0 with an answer to something else',
    verb: 'off',
    result: exited(0, 'Chassis Power is off\n'),
    outcome: failure('UNKNOWN', false),
  },
  {
    row: 'status off is not read out of other words',
    verb: 'status',
    result: exited(0, 'Chassis Power is offline\n'),
    outcome: failure('UNKNOWN', false),
  },
  {
    row: 'guid',
    verb: 'guid',
    result: exited(0, 'System GUID   : 6B656E6E656C2D626D632D6E312D3000\n'),
    outcome: { kind: 'guid', guid: '6b656e6e656c2d626d632d6e312d3000' },
  },
  {
    row: 'guid as older versions print it',
    verb: 'guid',
    result: exited(0, 'System GUID  : 6b656e6e-656c-2d62-6d63-2d6e312d3000\n'),
    outcome: { kind: 'guid', guid: '6b656e6e656c2d626d632d6e312d3000' },
  },
  {
    row: 'guid of zeros',
    verb: 'guid',
    result: exited(0, `System GUID   : ${'0'.repeat(32)}\n`),
    outcome: { kind: 'guid', guid: null },
  },
  {
    row: 'no guid command',
    verb: 'guid',
    result: exited(1, '', 'IPMI command failed: Invalid command'),
    outcome: { kind: 'guid', guid: null },
  },
  {
    row: 'guid refused for now',
    verb: 'guid',
    result: exited(1, '', 'IPMI command failed: Node busy'),
    outcome: failure('BMC_BUSY', true),
  },
];

describe('parseIpmiResult', () => {
  it.each(table)('$row ($verb)', ({ verb, result, outcome }) => {
    expect(parseIpmiResult(verb, result)).toEqual(outcome);
  });

  it('the chatter of -v decides nothing', () => {
    expect(parseIpmiResult('off', exited(1, ''))).toEqual(failure('UNKNOWN', false));
  });
});

describe('withoutNoise', () => {
  it('keeps what the operator needs', () => {
    const text = withoutNoise(exited(1, '', `> RAKP 2 HMAC is invalid\n${noSession}`));
    expect(text).toBe(`> RAKP 2 HMAC is invalid; ${noSession}`);
  });

  it('says that the call was killed', () => {
    const killed = { kind: 'killed', because: 'timeout', stdout: '', stderr: chatter } as const;
    expect(withoutNoise(killed)).toBe('killed (timeout)');
  });
});
