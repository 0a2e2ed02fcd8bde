import { z } from 'zod';
import { isHost } from '../host-name.ts';
import type { AgentMetadata, AgentParameter } from './metadata.ts';

type Values = Readonly<Record<string, string | number | boolean>>;

/** The agent and its own parameters, by the agent's own names. */
export interface AgentSettings {
  readonly agent: string;
  /** What the probe found it to be; without it no command is sent. */
  readonly agentClass: string | null;
  /** It runs ipmitool, and would give it the password as an argument. */
  readonly drivesIpmitool: boolean;
  readonly parameters: Values;
}

/** What every driver calls so, and what agents call it. Their `port` is an outlet. */
const commonNames: Readonly<Record<string, string>> = {
  host: 'ip',
  user: 'username',
  port: 'ipport',
};

// A line break in a value would be a parameter of its own.
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const controlCharacter = /[\u0000-\u001f\u007f]/;

export const agentSettingsSchema = z.looseObject({
  agent: z
    .string({ error: 'agent: the fence agent is required; valid: fence_apc' })
    .regex(/^fence_[a-z0-9_]{1,48}$/, {
      error: 'agent: not the name of a fence agent; valid: fence_apc',
    })
    .describe(
      'the ClusterLabs program; what else it takes, its metadata says (fence_apc -o metadata)',
    ),
  agentClass: z.enum(['power']).optional(),
  drivesIpmitool: z.literal(true).optional(),
  host: z
    .string()
    .refine(isHost, {
      error: 'host: not a host name or an address; valid: pdu-1.example, 10.0.0.11',
    })
    .optional()
    .describe('name or address of the device (the agent calls it ip)'),
});

/**
 * Validates the form of settings; which parameters there are only the agent knows, so the probe
 * compares them with its metadata.
 */
export function parseAgentSettings(
  input: unknown,
):
  | { readonly kind: 'ok'; readonly settings: AgentSettings }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] } {
  const result = agentSettingsSchema.safeParse(input);
  if (!result.success) {
    return { kind: 'invalid', problems: result.error.issues.map((issue) => issue.message) };
  }
  const { agent, agentClass, drivesIpmitool, ...rest } = result.data;
  const parameters: Record<string, string | number | boolean> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(rest)) {
    const name = commonNames[key] ?? key;
    const problem = valueProblem(key, value);
    if (problem !== null) problems.push(problem);
    else if (name in parameters) problems.push(`${key}: ${name} is given twice`);
    else parameters[name] = value as string | number | boolean;
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  const found = { agentClass: agentClass ?? null, drivesIpmitool: drivesIpmitool ?? false };
  return { kind: 'ok', settings: { agent, ...found, parameters } };
}

function valueProblem(key: string, value: unknown): string | null {
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(key)) return `${key.slice(0, 64)}: not the name of a parameter`;
  if (!['string', 'number', 'boolean'].includes(typeof value)) {
    return `${key}: must be a text, a number, true or false`;
  }
  return textProblem(key, String(value));
}

/** Agents strip blanks and quotes around a value, and take a line break for the end of it. */
function textProblem(name: string, text: string): string | null {
  if (controlCharacter.test(text)) return `${name}: contains a control character`;
  if (text.trim() !== text) return `${name}: begins or ends with a blank, which agents do not keep`;
  return /^".*"$/.test(text) ? `${name}: stands in quotes, which agents do not keep` : null;
}

/** What of settings and secrets the agent would not understand; names only, never values of secrets. */
export function metadataProblems(
  metadata: AgentMetadata,
  parameters: Values,
  secrets: Readonly<Record<string, string>>,
): readonly string[] {
  const byName = new Map(metadata.parameters.map((one) => [one.name, one]));
  const named = { ...parameters, ...secrets };
  return [
    ...Object.entries(parameters).flatMap(([name, value]) => {
      const parameter = byName.get(name);
      if (parameter === undefined) return [unknownName(name, metadata, false)];
      if (parameter.isSecret) return [`${name}: is a secret, not a setting`];
      return typeProblem(parameter, value);
    }),
    ...Object.entries(secrets).flatMap(([name, value]) => {
      if (byName.get(name)?.isSecret !== true) return [unknownName(name, metadata, true)];
      const problem = textProblem(name, value);
      return problem === null ? [] : [problem];
    }),
    ...metadata.parameters
      .filter((one) => one.isRequired && !(one.name in named))
      .map((one) => `${one.name}: is required by the agent`),
  ];
}

function unknownName(name: string, metadata: AgentMetadata, isSecret: boolean): string {
  const known = metadata.parameters.filter((one) => one.isSecret === isSecret);
  const what = isSecret ? 'secret' : 'setting';
  const names = known.map((one) => one.name).join(', ');
  return `${name}: not a ${what} of this agent; valid: ${names === '' ? 'none' : names}`;
}

function typeProblem(
  parameter: AgentParameter,
  value: string | number | boolean,
): readonly string[] {
  const { name, type, options } = parameter;
  const text = textOf(value);
  if (type === 'integer' && !/^-?\d{1,9}$/.test(text)) return [`${name}: must be a whole number`];
  if (type === 'duration' && !/^\d{1,6}$/.test(text)) return [`${name}: must be whole seconds`];
  if (type === 'boolean' && typeof value !== 'boolean') return [`${name}: must be true or false`];
  if (type === 'select' && options.length > 0 && !options.includes(text)) {
    return [`${name}: must be one of ${options.join(', ')}`];
  }
  return [];
}

/** A value as agents read it. */
export function textOf(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
}
