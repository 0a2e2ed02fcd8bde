import type {
  FenceCommandResult,
  FenceContext,
  FenceDriver,
  FenceError,
  FenceIdentity,
  FenceReading,
  ProbeReport,
} from '../../driver.ts';
import { failedProbe, fenceError } from '../../fence-error.ts';
import { powerOf } from './answer.ts';
import { RedfishClient, certificateOf, type Failed, type Got } from './client.ts';
import { parseRedfishSettings, redfishSettingsSchema, type RedfishSettings } from './settings.ts';
import { settingHelp } from '../setting-help.ts';
import { type FoundSystem, findSystem, resetTarget } from './system.ts';

/**
 * BMCs that speak Redfish. Secret: `password`. The certificate that the BMC showed at enrolment is
 * the only one that is given credentials. Identity: the UUID of the system.
 */
export const redfishDriver: FenceDriver = {
  kind: 'redfish',
  capabilities: {
    class: 'power',
    minIntervalMs: 5000,
    secrets: ['password'],
    takesFurtherSecrets: false,
  },
  help: {
    summary:
      'BMCs that speak Redfish over HTTPS; the certificate that it shows now is the only one believed from then on',
    settings: settingHelp(redfishSettingsSchema),
  },
  place: ({ host, port, system, uuid }) => {
    const plug = uuid ?? system;
    return { address: `redfish ${host}:${port}`, plug: plug === undefined ? null : String(plug) };
  },
  parseSettings,
  probe,
  identity,
  status,
  off: (context) => command(context, 'ForceOff'),
  on: (context) => command(context, 'On'),
};

function parseSettings(input: unknown): ReturnType<FenceDriver['parseSettings']> {
  const parsed = parseRedfishSettings(input);
  if (parsed.kind === 'invalid') return parsed;
  const { system, uuid, certificate, ...rest } = parsed.settings;
  const settings = {
    ...rest,
    ...(system === undefined ? {} : { system }),
    ...(uuid === undefined ? {} : { uuid }),
    ...(certificate === undefined ? {} : { certificate }),
  };
  return { kind: 'ok', settings };
}

/** Learns certificate, system and UUID. Only the pinned certificate is shown the password. */
async function probe(context: FenceContext): Promise<ProbeReport> {
  const { clock } = context.env;
  const startedMs = clock.monotonicMs();
  const ready = prepared(context);
  if (ready.kind === 'failed') return failedProbe(ready.error);
  const { settings, password } = ready.value;
  const shown = await certificateOf(context, settings);
  if (shown.kind === 'failed') return failedProbe(shown.error);
  const pin = settings.certificate ?? shown.value;
  const leftMs = Math.max(1, context.timeoutMs - (clock.monotonicMs() - startedMs));
  const options = { context: { ...context, timeoutMs: leftMs }, settings, password, pin };
  const found = await RedfishClient.with(options, async (client): Promise<Got<FoundSystem>> => {
    const system = await findSystem(client, settings);
    if (system.kind === 'failed') return system;
    const target = await resetTarget(client, system.value, 'ForceOff');
    return target.kind === 'failed' ? target : system;
  });
  if (found.kind === 'failed') return failedProbe(found.error);
  const { path, uuid, document } = found.value;
  if (settings.uuid !== undefined && uuid !== settings.uuid) {
    return failedProbe(foreign(settings.uuid, uuid, 'reading'));
  }
  return {
    ok: true,
    error: null,
    identity: uuid,
    power: powerOf(document.PowerState),
    learned: { system: path, certificate: pin, ...(uuid === null ? {} : { uuid }) },
    warnings: [
      ...(uuid === null ? [noIdentity] : []),
      ...(settings.certificate === undefined ? [trusted(pin)] : []),
    ],
    latencyMs: clock.monotonicMs() - startedMs,
  };
}

const noIdentity = {
  code: 'NO_IDENTITY',
  text: 'the system gives no UUID: an address that moved to another machine would not be noticed',
};

function trusted(pin: string): ProbeReport['warnings'][number] {
  const text = `the certificate ${pin} was believed as it was shown; compare it with the BMC's own, or give certificate=FINGERPRINT`;
  return { code: 'CERTIFICATE_UNCHECKED', text };
}

async function identity(context: FenceContext): Promise<FenceIdentity> {
  const found = await withSystem(context, (_client, system) => Promise.resolve(got(system)));
  if (found.kind === 'failed') return found;
  return { kind: 'identity', identity: found.value.uuid };
}

async function status(context: FenceContext): Promise<FenceReading> {
  const found = await withSystem(context, (_client, system) => Promise.resolve(got(system)));
  if (found.kind === 'failed') return found;
  const { uuid, document } = found.value;
  const enrolled = context.settings['uuid'];
  // What another machine's power is must never be read as this one's.
  if (typeof enrolled === 'string' && uuid !== enrolled) {
    return { kind: 'failed', error: foreign(enrolled, uuid, 'reading') };
  }
  const state = document.PowerState ?? 'none';
  return { kind: 'reading', power: powerOf(state), detail: `PowerState ${state}` };
}

async function command(
  context: FenceContext,
  type: 'ForceOff' | 'On',
): Promise<FenceCommandResult> {
  const done = await withSystem(context, async (client, system): Promise<Got<string>> => {
    const enrolled = context.settings['uuid'];
    if (typeof enrolled === 'string' && system.uuid !== enrolled) {
      return { kind: 'failed', error: foreign(enrolled, system.uuid, 'command') };
    }
    const target = await resetTarget(client, system, type);
    if (target.kind === 'failed') return target;
    const sent = await client.post(target.value, { ResetType: type });
    if (sent.kind === 'accepted') return got(sent.detail);
    if (sent.error.code !== 'STATE') return sent;
    // 409: some services refuse what is already so. What is so decides.
    const now = await findSystem(client, parsedOf(context));
    const isSo = now.kind === 'got' && powerOf(now.value.document.PowerState) === goalOf(type);
    return isSo ? got(`already so: ${sent.error.detail}`) : sent;
  });
  if (done.kind === 'got') return { kind: 'accepted', detail: done.value };
  return { kind: done.error.mayHaveActed ? 'unknown' : 'rejected', error: done.error };
}

function goalOf(type: 'ForceOff' | 'On'): 'off' | 'on' {
  return type === 'ForceOff' ? 'off' : 'on';
}

function got<T>(value: T): Got<T> {
  return { kind: 'got', value };
}

async function withSystem<T>(
  context: FenceContext,
  use: (client: RedfishClient, system: FoundSystem) => Promise<Got<T>>,
): Promise<Got<T>> {
  const ready = prepared(context);
  if (ready.kind === 'failed') return ready;
  const { settings, password } = ready.value;
  const pin = settings.certificate;
  if (pin === undefined) return config('certificate: none is enrolled; add the device anew');
  return RedfishClient.with({ context, settings, password, pin }, async (client) => {
    const found = await findSystem(client, settings);
    return found.kind === 'failed' ? found : use(client, found.value);
  });
}

interface Prepared {
  readonly settings: RedfishSettings;
  readonly password: string;
}

function prepared(context: FenceContext): Got<Prepared> {
  const parsed = parseRedfishSettings(context.settings);
  if (parsed.kind === 'invalid') return config(parsed.problems.join('; '));
  const password = context.secrets['password'];
  if (password === undefined || password === '') {
    return config('password: missing; the device needs the secret "password"');
  }
  return got({ settings: parsed.settings, password });
}

function parsedOf(context: FenceContext): RedfishSettings {
  const parsed = parseRedfishSettings(context.settings);
  if (parsed.kind === 'invalid') throw new Error('settings that were valid are so no longer');
  return parsed.settings;
}

function foreign(enrolled: string, uuid: string | null, during: 'command' | 'reading'): FenceError {
  const detail = `enrolled is ${enrolled}, the system says ${uuid ?? 'none'}`;
  return { ...fenceError('IDENTITY_MISMATCH', detail, during), mayHaveActed: false };
}

function config(detail: string): Failed {
  return { kind: 'failed', error: fenceError('CONFIG', detail, 'reading') };
}
