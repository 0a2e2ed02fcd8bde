import type { AddFenceDevice, ProbeView } from '../../api/schema/requests.ts';
import { addFenceDeviceSchema } from '../../api/schema/requests.ts';
import type { NodeView } from '../../api/schema/views.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { readSecret } from '../secret-input.ts';
import { usageError } from '../usage.ts';
import { onValue } from '../wait-until.ts';

interface DeviceOptions {
  readonly driver: string;
  readonly id: string;
  readonly level: number;
  readonly host: string | null;
  readonly port: number | null;
  readonly user: string | null;
  readonly passwordFile: string | null;
  readonly passwordStdin: boolean;
  readonly secretFile: readonly string[];
  readonly settle: number;
  readonly set: readonly string[];
}

export async function addFence(
  call: Call,
  node: string,
  options: Change & DeviceOptions,
): Promise<number> {
  const settings = deviceSettings(options);
  const body = await deviceBody(call, options, settings);
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.addFenceDevice(node, body, how),
    describe: (probe, isDryRun) => describeProbe(`${node}/${body.id}`, probe, isDryRun),
    goal: {
      what: `fence device ${body.id} of ${node} ready`,
      lookWith: `kennel node show ${node}`,
      look: (client) => client.node(node),
      judge: onValue((view: NodeView) => {
        const isListed = view.fenceDevices.some((device) => device.id === `${node}/${body.id}`);
        if (isListed && view.readiness.length > 0) return { kind: 'reached', value: view };
        const state = isListed ? 'is listed, not yet verified' : 'is not listed yet';
        return { kind: 'pending', state: `${body.id} ${state}` };
      }),
      reached: `node ${node}: can be fenced`,
    },
  });
}

async function deviceBody(
  call: Call,
  options: DeviceOptions,
  settings: AddFenceDevice['settings'],
): Promise<AddFenceDevice> {
  const secrets = await deviceSecrets(call, options);
  const checked = addFenceDeviceSchema.safeParse({
    id: options.id,
    level: options.level,
    driver: options.driver,
    settings,
    secrets,
    settleMs: options.settle,
  });
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw usageError({
    what: 'the fence device is not described as it must be',
    because: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`,
    try: ['kennel node add-fence --help'],
  });
}

/** Of the drivers here only fence agents may need no password, or secrets of other names. */
async function deviceSecrets(call: Call, options: DeviceOptions): Promise<Record<string, string>> {
  const { driver, passwordFile, passwordStdin, secretFile } = options;
  const secrets: Record<string, string> = {};
  if (driver !== 'fence-agent' || passwordFile !== null || passwordStdin) {
    secrets['password'] = await readSecret(call.world, {
      noun: 'password',
      file: passwordFile,
      stdin: passwordStdin,
    });
  }
  for (const pair of secretFile) {
    const [name = '', ...rest] = pair.split('=');
    const file = rest.join('=');
    if (!/^[\w-]+$/.test(name) || file === '' || name in secrets) {
      throw usageError({
        what: '--secret-file has no usable value',
        because: 'it must have the form name=file, each name once',
        try: ['--secret-file snmp_priv_passwd=FILE'],
      });
    }
    secrets[name] = await readSecret(call.world, { noun: 'password', file, stdin: false });
  }
  return secrets;
}

function deviceSettings(options: DeviceOptions): AddFenceDevice['settings'] {
  const settings: Record<string, string | number | boolean> = {
    ...(options.host === null ? {} : { host: options.host }),
    ...(options.user === null ? {} : { user: options.user }),
    ...(options.port === null ? {} : { port: options.port }),
  };
  for (const pair of options.set) {
    const [key = '', ...rest] = pair.split('=');
    if (key === '' || rest.length === 0) {
      // The text is not repeated: a mistyped option may hold a secret.
      throw usageError({
        what: '--set has no usable value',
        because: 'it must have the form key=value',
        try: ['--set cipherSuite=17'],
      });
    }
    if (/pass|secret|token/i.test(key)) {
      throw usageError({
        what: `--set ${key}=… is not taken`,
        because: 'it looks like a secret, and the arguments of a process can be read by others',
        try: ['--password-file FILE', '--password-stdin', '--secret-file NAME=FILE'],
      });
    }
    settings[key] = settingValue(rest.join('='));
  }
  return settings;
}

/** Numbers, `true` and `false` are taken as such; `"17"` in quotes stays text. */
function settingValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  const quoted = /^"(.*)"$/s.exec(text);
  return quoted?.[1] ?? text;
}

function describeProbe(device: string, probe: ProbeView, isDryRun: boolean): string {
  const verb = isDryRun ? 'would be added' : 'added';
  return [
    `fence device ${device}: ${probe.ok ? verb : 'not verified'}`,
    `  power reads ${probe.power}, answered in ${Math.round(probe.latencyMs)} ms`,
    `  identity ${probe.identity ?? 'none given'}`,
    ...Object.entries(probe.learned).map(([key, value]) => `  learned ${key} = ${value}`),
    ...probe.warnings.map((warning) => `  ! ${warning.code}  ${warning.text}`),
  ].join('\n');
}
