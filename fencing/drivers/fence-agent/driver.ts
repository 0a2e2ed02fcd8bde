import type {
  FenceCommandResult,
  FenceContext,
  FenceDriver,
  FenceError,
  FencePlace,
  FenceReading,
  ProbeReport,
} from '../../driver.ts';
import { failedProbe, fenceError } from '../../fence-error.ts';
import { type AgentClass, type AgentMetadata, parseMetadata } from './metadata.ts';
import { type AgentAnswer, readMetadata, runAgent, shownSecrets } from './run-agent.ts';
import {
  agentSettingsSchema,
  type AgentSettings,
  metadataProblems,
  parseAgentSettings,
} from './settings.ts';
import { settingHelp } from '../setting-help.ts';

/** Agents look whether the power is off for this long, s; then they must not be killed at it. */
const powerTimeoutSeconds = 8;

/**
 * Any ClusterLabs `fence_*` program that switches power. Its metadata says which settings and
 * secrets there are. Identity: agents tell none.
 */
export const fenceAgentDriver: FenceDriver = {
  kind: 'fence-agent',
  capabilities: { class: 'power', minIntervalMs: 5000, secrets: [], takesFurtherSecrets: true },
  help: {
    summary:
      'any ClusterLabs fence_* program that switches power, for example the outlet of a PDU; further settings by the names in its metadata',
    settings: settingHelp(agentSettingsSchema).filter(({ name }) => name !== 'agentClass'),
  },
  place,
  parseSettings,
  probe,
  identity: () => Promise.resolve({ kind: 'identity', identity: null }),
  status,
  off: (context) => command(context, 'off'),
  on: (context) => command(context, 'on'),
};

function parseSettings(input: unknown): ReturnType<FenceDriver['parseSettings']> {
  const parsed = parseAgentSettings(input);
  if (parsed.kind === 'invalid') return parsed;
  // What an agent is, its metadata says, and nobody else.
  const { agent, parameters } = parsed.settings;
  return { kind: 'ok', settings: { agent, ...parameters } };
}

/** Agents call an outlet by one of these names; where there is none, the device has one outlet. */
const plugNames = ['plug', 'switch', 'group', 'systems_uri'] as const;

function place(settings: FenceContext['settings']): FencePlace {
  const parsed = parseAgentSettings(settings);
  if (parsed.kind === 'invalid') return { address: 'fence-agent', plug: JSON.stringify(settings) };
  const { agent, parameters } = parsed.settings;
  const { ip, ipport } = parameters;
  const where = ip === undefined ? agent : ipport === undefined ? ip : `${ip}:${ipport}`;
  const plugs = plugNames.flatMap((name) => parameters[name] ?? []);
  return { address: `fence-agent ${where}`, plug: plugs.length === 0 ? null : plugs.join(' ') };
}

/** Compares settings and secrets with the agent's metadata, refuses what cuts no power, reads once. */
async function probe(context: FenceContext): Promise<ProbeReport> {
  const { clock } = context.env;
  const startedMs = clock.monotonicMs();
  const leftMs = (): number => context.timeoutMs - (clock.monotonicMs() - startedMs);
  const parsed = parseAgentSettings(context.settings);
  if (parsed.kind === 'invalid') return failedProbe(config(parsed.problems.join('; ')));
  const { agent } = parsed.settings;
  const read = await readMetadata(context, agent);
  if (read.kind === 'failed') return failedProbe(read.error);
  const metadata = parseMetadata(agent, read.text);
  if (metadata === null) return failedProbe(config(`${agent}: its metadata cannot be read`));
  if (metadata.class !== 'power')
    return failedProbe(config(`${agent}: ${notPower[metadata.class]}`));
  const problems = metadataProblems(metadata, parsed.settings.parameters, context.secrets);
  if (problems.length > 0) return failedProbe(config(problems.join('; ')));
  const { drivesIpmitool } = metadata;
  const settings: AgentSettings = {
    agent,
    agentClass: metadata.class,
    drivesIpmitool,
    parameters: { ...parsed.settings.parameters, ...timeouts(metadata, parsed.settings) },
  };
  const shown = shownSecrets(settings, context.secrets);
  if (shown.length > 0) return failedProbe(config(shown.join('; ')));
  const learned = {
    agentClass: metadata.class,
    ...(drivesIpmitool ? { drivesIpmitool } : {}),
    ...timeouts(metadata, parsed.settings),
  };
  const askedMs = clock.monotonicMs();
  const answer = await runAgent(context, settings, 'status', leftMs());
  if (answer.kind === 'failed') return failedProbe(answer.error);
  return {
    ok: true,
    error: null,
    identity: null,
    power: answer.outcome.kind === 'power' ? answer.outcome.power : 'unknown',
    learned,
    warnings: [noIdentity],
    latencyMs: clock.monotonicMs() - askedMs,
  };
}

const notPower: Readonly<Record<Exclude<AgentClass, 'power'>, string>> = {
  storage: 'cuts a node off its storage while it runs on, so Off would not prove it powered off',
  notify: 'cannot switch off, on and read the power, so it proves no power-off',
  heuristic: 'guesses and switches nothing, so it proves no power-off',
};

const noIdentity = {
  code: 'NO_IDENTITY',
  text: 'a fence agent tells no identity: an address that moved to another machine would not be noticed',
};

/** A wait that fits our time limits, where the agent has one and nobody chose another. */
function timeouts(metadata: AgentMetadata, settings: AgentSettings): Record<string, number> {
  const name = 'power_timeout';
  const isKnown = metadata.parameters.some((one) => one.name === name);
  return isKnown && !(name in settings.parameters) ? { [name]: powerTimeoutSeconds } : {};
}

async function status(context: FenceContext): Promise<FenceReading> {
  const ready = prepared(context);
  if (ready.kind === 'failed') return ready;
  const answer = await runAgent(context, ready.settings, 'status', context.timeoutMs);
  if (answer.kind === 'failed') return answer;
  const power = powerOf(answer);
  return { kind: 'reading', power: power ?? 'unknown', detail: answer.detail };
}

/**
 * Reads first: agents say one thing for all that can go wrong, so only a reading tells a device that
 * cannot be asked from a command whose answer was lost. From the start of the command on it may have
 * acted, however the agent ends.
 */
async function command(context: FenceContext, action: 'off' | 'on'): Promise<FenceCommandResult> {
  const { clock } = context.env;
  const endMs = clock.monotonicMs() + context.timeoutMs;
  const leftMs = (): number => endMs - clock.monotonicMs();
  const ready = prepared(context);
  if (ready.kind === 'failed') return { kind: 'rejected', error: ready.error };
  const before = await runAgent(context, ready.settings, 'status', context.timeoutMs / 2);
  if (before.kind === 'failed') return { kind: 'rejected', error: before.error };
  const sent = await runAgent(context, ready.settings, action, leftMs());
  if (sent.kind === 'failed') {
    return { kind: sent.error.mayHaveActed ? 'unknown' : 'rejected', error: sent.error };
  }
  const isSaid = sent.outcome.kind === 'ended' && sent.outcome.isSaid;
  if (isSaid) return { kind: 'accepted', detail: sent.detail };
  // It ended well and did not say what it did.
  const after = await runAgent(context, ready.settings, 'status', leftMs());
  if (after.kind === 'answer' && powerOf(after) === action) {
    return { kind: 'accepted', detail: `${sent.detail}; ${after.detail}` };
  }
  return { kind: 'unknown', error: fenceError('NOT_VERIFIED', sent.detail, 'command') };
}

function powerOf(answer: AgentAnswer): 'on' | 'off' | null {
  return answer.kind === 'answer' && answer.outcome.kind === 'power' ? answer.outcome.power : null;
}

function prepared(
  context: FenceContext,
):
  | { readonly kind: 'ready'; readonly settings: AgentSettings }
  | { readonly kind: 'failed'; readonly error: FenceError } {
  const parsed = parseAgentSettings(context.settings);
  if (parsed.kind === 'invalid') {
    return { kind: 'failed', error: config(parsed.problems.join('; ')) };
  }
  if (parsed.settings.agentClass !== 'power') {
    const error = config('agentClass: the agent was not probed; add the device anew');
    return { kind: 'failed', error };
  }
  return { kind: 'ready', settings: parsed.settings };
}

function config(detail: string): FenceError {
  return fenceError('CONFIG', detail, 'reading');
}
