import type { IpmiCipherSuite, IpmiSettings } from './settings.ts';

/**
 * What we ask of ipmitool. Never `cycle` or `reset` (they end with power on), never `soft`.
 * `guid` reads the identity as plain bytes, whatever encoding the BMC claims to use.
 */
export type IpmiVerb = 'status' | 'off' | 'on' | 'guid';

const words: Readonly<Record<IpmiVerb, readonly string[]>> = {
  status: ['chassis', 'power', 'status'],
  off: ['chassis', 'power', 'off'],
  on: ['chassis', 'power', 'on'],
  guid: ['mc', 'guid', 'dump'],
};

export interface IpmiCall {
  readonly verb: IpmiVerb;
  /** Suite 0 is for the probe alone, which checks that the BMC refuses it. */
  readonly cipherSuite: IpmiCipherSuite | 0;
  readonly privilege: 'OPERATOR' | 'ADMINISTRATOR';
  /** Seconds that ipmitool waits for an answer. It never asks twice: a resent command acts twice. */
  readonly waitSeconds: number;
}

/**
 * The argument vector of one call; `settings` have been validated. The password is not in it: it
 * travels on stdin, because arguments are readable in `/proc` before ipmitool can overwrite them.
 * Without `-C` a BMC that cannot list its suites costs 10 s, without `-v` a wrong user, a wrong
 * password and a dead BMC look the same.
 */
export function ipmiArguments(settings: IpmiSettings, call: IpmiCall): readonly string[] {
  const options: Readonly<Record<string, string>> = {
    '-I': 'lanplus',
    '-C': String(call.cipherSuite),
    '-L': call.privilege,
    '-N': String(call.waitSeconds),
    '-R': '1',
    '-H': settings.host,
    '-p': String(settings.port),
    '-U': settings.user,
    '-f': '/dev/stdin',
  };
  return ['-v', ...Object.entries(options).flat(), ...words[call.verb]];
}

/** Fixed for every power command: the BMC may take 5 s, and the command is sent exactly once. */
export const commandWaitSeconds = 5;

/** Measured: two session set-up phases of one wait each; ipmitool is killed 2 s after that. */
const killAfterMs = 2000;

/** When to kill a call: 2 s after ipmitool should have given up by itself, or at its deadline. */
export function killDeadlineMs(call: IpmiCall, timeoutMs: number): number {
  const sessionMs = 2 * call.waitSeconds * 1000;
  const commandMs = isCommand(call.verb) ? call.waitSeconds * 1000 : 0;
  return Math.min(timeoutMs, sessionMs + commandMs + killAfterMs);
}

/** Slow BMCs have been seen to take 20 s for an answer. */
const maxWaitSeconds = 25;

/** The longest wait with which a reading of this duration still ends by itself. */
export function readingWaitSeconds(timeoutMs: number): number {
  return Math.min(maxWaitSeconds, Math.max(1, Math.floor((timeoutMs - killAfterMs) / 2000)));
}

export function isCommand(verb: IpmiVerb): verb is 'off' | 'on' {
  return verb === 'off' || verb === 'on';
}
