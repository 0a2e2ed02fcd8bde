import type {
  FenceCommandResult,
  FenceContext,
  FenceDriver,
  FenceIdentity,
  FenceReading,
} from '../../driver.ts';
import { fenceError } from '../../fence-error.ts';
import { type IpmiVerb, commandWaitSeconds, readingWaitSeconds } from './arguments.ts';
import { type IpmiAnswer, callIpmitool, preparedCall } from './ipmitool.ts';
import { formatGuid, probeIpmi } from './probe.ts';
import { ipmiSettingsSchema, parseIpmiSettings } from './settings.ts';
import { settingHelp } from '../setting-help.ts';

/** The suite that practically every BMC offers; used until a probe has learned a better one. */
const usualCipherSuite = 3;

/**
 * IPMI 2.0 BMCs through `ipmitool`. Secret: `password`. Needs an account with OPERATOR privilege
 * and no more. Identity: the BMC's GUID.
 */
export const ipmiDriver: FenceDriver = {
  kind: 'ipmi',
  // A killed client leaves its session open in the BMC, and a BMC that still works on one power
  // command may drop the next; readings are harmless and wait for nothing.
  capabilities: {
    class: 'power',
    minIntervalMs: 5000,
    secrets: ['password'],
    takesFurtherSecrets: false,
  },
  help: {
    summary: 'BMCs that speak IPMI 2.0, through ipmitool; the account needs the privilege OPERATOR',
    settings: settingHelp(ipmiSettingsSchema),
  },
  place: ({ host, port }) => ({ address: `ipmi ${host}:${port}`, plug: null }),
  parseSettings,
  probe: probeIpmi,
  identity,
  status,
  off: (context) => command(context, 'off'),
  on: (context) => command(context, 'on'),
};

function parseSettings(input: unknown): ReturnType<FenceDriver['parseSettings']> {
  const parsed = parseIpmiSettings(input);
  if (parsed.kind === 'invalid') return parsed;
  const { host, port, user, cipherSuite } = parsed.settings;
  const learned = cipherSuite === undefined ? {} : { cipherSuite };
  return { kind: 'ok', settings: { host, port, user, ...learned } };
}

async function identity(context: FenceContext): Promise<FenceIdentity> {
  const answer = await call(context, 'guid');
  if (answer.kind === 'failed') return answer;
  const { outcome } = answer;
  if (outcome.kind !== 'guid') return unexpected(answer.detail);
  return { kind: 'identity', identity: formatGuid(outcome.guid) };
}

async function status(context: FenceContext): Promise<FenceReading> {
  const answer = await call(context, 'status');
  if (answer.kind === 'failed') return answer;
  const { outcome, detail } = answer;
  if (outcome.kind !== 'power') return unexpected(detail);
  return { kind: 'reading', power: outcome.power, detail };
}

async function command(context: FenceContext, verb: 'off' | 'on'): Promise<FenceCommandResult> {
  const answer = await call(context, verb);
  if (answer.kind === 'answer') return { kind: 'accepted', detail: answer.detail };
  const { error } = answer;
  return { kind: error.mayHaveActed ? 'unknown' : 'rejected', error };
}

function call(context: FenceContext, verb: IpmiVerb): Promise<IpmiAnswer> {
  const isReading = verb === 'status' || verb === 'guid';
  const ready = preparedCall(context, isReading ? 'reading' : 'command');
  if (ready.kind === 'failed') return Promise.resolve(ready);
  return callIpmitool(context, ready.settings, ready.password, {
    verb,
    cipherSuite: ready.settings.cipherSuite ?? usualCipherSuite,
    privilege: 'OPERATOR',
    waitSeconds: isReading ? readingWaitSeconds(context.timeoutMs) : commandWaitSeconds,
  });
}

function unexpected(detail: string) {
  return { kind: 'failed', error: fenceError('PROTOCOL', detail, 'reading') } as const;
}
