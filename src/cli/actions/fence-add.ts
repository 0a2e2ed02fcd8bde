import type { AddFenceDevice, FenceDeviceAdded, ProbeView } from '../../api/schema/fencing.ts';
import { addFenceDeviceSchema } from '../../api/schema/fencing.ts';
import type { NodeView } from '../../api/schema/views.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { splitDevice } from '../device-name.ts';
import { renderBudget } from '../render/fence.ts';
import { readSecret } from '../secret-input.ts';
import { usageError } from '../usage.ts';
import { onValue } from '../wait-until.ts';

interface DeviceOptions {
  readonly driver: string;
  readonly level: number;
  readonly budget: number | null;
  readonly delay: number | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly user: string | null;
  readonly passwordFile: string | null;
  readonly passwordStdin: boolean;
  readonly secretFile: readonly string[];
  readonly settle: number;
  readonly set: readonly string[];
}

export async function addDevice(
  call: Call,
  name: string,
  options: Change & DeviceOptions,
): Promise<number> {
  const { node, device } = splitDevice(name);
  const settings = deviceSettings(options);
  const body = await deviceBody(call, device, { ...options, settings });
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.addFenceDevice(node, body, how),
    describe: (added, isDryRun) => describeAdded(name, added, isDryRun),
    goal: {
      what: `fence device ${name} ready`,
      lookWith: `kennel fence ls ${node}`,
      look: (client) => client.node(node),
      judge: onValue((view: NodeView) => {
        const isListed = view.fenceDevices.some(({ id }) => id === name);
        if (isListed && view.readiness.length > 0) return { kind: 'reached', value: view };
        const state = isListed ? 'is listed, not yet verified' : 'is not listed yet';
        return { kind: 'pending', state: `${name} ${state}` };
      }),
      reached: `node ${node}: can be fenced`,
    },
  });
}

async function deviceBody(
  call: Call,
  id: string,
  options: DeviceOptions & { readonly settings: AddFenceDevice['settings'] },
): Promise<AddFenceDevice> {
  const checked = addFenceDeviceSchema.safeParse({
    id,
    level: options.level,
    driver: options.driver,
    settings: options.settings,
    secrets: await deviceSecrets(call, options),
    settleMs: options.settle,
    budgetMs: options.budget,
    delayMs: options.delay,
  });
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw usageError({
    what: 'the fence device is not described as it must be',
    because: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`,
    try: ['kennel fence add --help', 'kennel fence drivers'],
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

function describeAdded(device: string, added: FenceDeviceAdded, isDryRun: boolean): string {
  const verb = isDryRun ? 'would be added' : 'added';
  return [
    `fence device ${device}: ${added.ok ? verb : 'not verified'}`,
    `  switches ${added.outlet}`,
    ...probeLines(added),
    ...renderBudget(added.budget).map((line) => `  ${line}`),
  ].join('\n');
}

/** What a device said when it was asked. */
export function probeLines(probe: ProbeView): readonly string[] {
  return [
    `  power reads ${probe.power}, answered in ${Math.round(probe.latencyMs)} ms`,
    `  identity ${probe.identity ?? 'none given'}`,
    ...Object.entries(probe.learned).map(([key, value]) => `  learned ${key} = ${value}`),
    ...probe.warnings.map((warning) => `  ! ${warning.code}  ${warning.text}`),
  ];
}
