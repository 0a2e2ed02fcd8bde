import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { realEnv } from '../../../src/env/real/real-env.ts';
import type { FenceContext } from '../../driver.ts';
import { type AgentKind, type AgentMode, AgentRig } from '../../testing/agent-rig.ts';
import { programExists } from '../../testing/bmc-rig.ts';
import { SecretWatch } from '../../testing/secret-watch.ts';
import { waitUntil } from '../../testing/wait-until.ts';
import { fenceAgentDriver } from './driver.ts';
import { parseMetadata } from './metadata.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const env = realEnv({ log: quiet });
const rigs: AgentRig[] = [];
const watch = new SecretWatch();
afterAll(() => {
  watch.stop();
  for (const rig of rigs) rig.stop();
});

function newRig(kind: AgentKind = 'power'): AgentRig {
  const rig = new AgentRig(kind);
  rigs.push(rig);
  watch.add(rig.password);
  return rig;
}

function context(rig: AgentRig, overrides: Partial<FenceContext> = {}): FenceContext {
  return {
    env: rig.envOf(env),
    settings: { agent: rig.name, host: '10.0.0.1', user: 'kennel' },
    secrets: { password: rig.password },
    timeoutMs: 8000,
    ...overrides,
  };
}

async function enrolled(mode: AgentMode): Promise<{ rig: AgentRig; use: FenceContext }> {
  const rig = newRig();
  const base = context(rig);
  const report = await fenceAgentDriver.probe(base);
  expect(report.error).toBeNull();
  rig.mode = mode;
  return { rig, use: { ...base, settings: { ...base.settings, ...report.learned } } };
}

/** True while a process, not merely its exit status, exists under this id. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe.concurrent('enrolment', () => {
  it('reads the metadata, reads the power, and learns a wait that ends before we do', async () => {
    const rig = newRig();
    const report = await fenceAgentDriver.probe(context(rig));
    expect(report).toMatchObject({
      ok: true,
      identity: null,
      power: 'on',
      learned: { agentClass: 'power', power_timeout: 8 },
    });
    expect(report.warnings.map(({ code }) => code)).toEqual(['NO_IDENTITY']);
    expect(rig.commands()).toEqual([]);
  });

  it.each([
    [{ colour: 'red' }, {}, 'colour: not a setting'],
    [{ port: 'x' }, {}, 'ipport: must be a whole number'],
    [{ power_timeout: 'soon' }, {}, 'power_timeout: must be whole seconds'],
    [{ secure: 'maybe' }, {}, 'secure: must be true or false'],
    [{ secure: 0 }, {}, 'secure: must be true or false'],
    [{ plug: ' 1' }, {}, 'plug: begins or ends with a blank'],
    [{}, { password: '"a"' }, 'password: stands in quotes'],
    [{ level: 'middle' }, {}, 'level: must be one of low, high'],
    [{ ssh_path: '/tmp/x' }, {}, 'ssh_path: not a setting'],
    [{ action: 'reboot' }, {}, 'action: not a setting'],
    [{ ipaddr: '10.0.0.1' }, {}, 'ipaddr: not a setting'],
    [{ password: 'x' }, {}, 'password: is a secret'],
    [{ plug: '1\naction=on' }, {}, 'plug: contains a control character'],
    [{}, { colour: 'red' }, 'colour: not a secret'],
    [{}, { password: 'a\naction=on' }, 'password: contains a control character'],
  ])('refuses %j %j: %s', async (settings, secrets, because) => {
    const rig = newRig();
    const base = context(rig);
    const report = await fenceAgentDriver.probe({
      ...base,
      settings: { ...base.settings, ...settings },
      secrets: { ...base.secrets, ...secrets },
    });
    expect(report).toMatchObject({ ok: false, error: { code: 'CONFIG' } });
    expect(report.error?.detail).toContain(because);
    expect(rig.input()).toEqual([]);
  });

  it('names what is missing', async () => {
    const rig = newRig();
    const settings = { agent: rig.name, host: '10.0.0.1' };
    const report = await fenceAgentDriver.probe(context(rig, { settings }));
    expect(report.error?.detail).toContain('username: is required');
  });

  it('an agent that drives ipmitool is told no password, and a stand-in for ipmitool', async () => {
    const rig = newRig('ipmitool');
    const report = await fenceAgentDriver.probe(context(rig));
    expect(report.error?.detail).toContain('invalid password');
    expect(rig.input()).toContainEqual(expect.stringMatching(/^ipmitool_path=.*ipmitool\.sh$/));
  });

  it('a secret that such an agent would show to every user of the machine is refused', async () => {
    const rig = newRig('ipmitool');
    const secrets = { password: rig.password, hexadecimal_kg: '0a0b' };
    const report = await fenceAgentDriver.probe(context(rig, { secrets }));
    expect(report.error?.detail).toContain(
      'hexadecimal_kg: fence_kennel_test gives it to ipmitool',
    );
    expect(rig.input()).toEqual([]);
  });

  it('an agent that cuts storage is refused, and one that was not probed is told nothing', async () => {
    const rig = newRig('storage');
    const report = await fenceAgentDriver.probe(context(rig));
    expect(report.error?.detail).toContain('cuts a node off its storage');
    expect(await fenceAgentDriver.off(context(rig))).toMatchObject({
      kind: 'rejected',
      error: { code: 'CONFIG' },
    });
    expect(rig.input()).toEqual([]);
    // Nor can a person state what the agent is.
    const settings = { agent: rig.name, agentClass: 'power' };
    expect(fenceAgentDriver.parseSettings(settings)).toEqual({
      kind: 'ok',
      settings: { agent: rig.name },
    });
  });

  it('an agent that is not installed is a result of its own', async () => {
    const settings = { agent: 'fence_not_there', host: '10.0.0.1', user: 'kennel' };
    expect(await fenceAgentDriver.probe(context(newRig(), { settings }))).toMatchObject({
      error: { code: 'TOOL_MISSING' },
    });
  });
});

describe.concurrent('off', () => {
  it('always tells the action, once, and everything on standard input', async () => {
    const { rig, use } = await enrolled('ok');
    expect(await fenceAgentDriver.off(use)).toMatchObject({ kind: 'accepted' });
    expect(rig.commands()).toEqual(['off']);
    const actions = rig.input().filter((line) => line.startsWith('action='));
    expect(actions).toEqual(['action=status', 'action=status', 'action=off']);
    expect(rig.input()).toContain('ip=10.0.0.1');
    expect(await fenceAgentDriver.status(use)).toMatchObject({ power: 'off' });
    expect(await fenceAgentDriver.off(use)).toMatchObject({ kind: 'accepted' });
    expect(await fenceAgentDriver.on(use)).toMatchObject({ kind: 'accepted' });
    expect(rig.commands()).toEqual(['off', 'on']);
  });

  it('a switch that is off is not told at all: to be there is to be on', async () => {
    const { rig, use } = await enrolled('ok');
    const settings = { ...use.settings, secure: false };
    expect(await fenceAgentDriver.status({ ...use, settings })).toMatchObject({ power: 'on' });
    expect(rig.input().filter((line) => /^(secure|quiet)=/.test(line))).toEqual([]);
  });

  it.each([
    ['unreachable', 'rejected', 'UNREACHABLE', 0],
    ['wrong password', 'rejected', 'AUTH_PASSWORD', 0],
    ['no session', 'rejected', 'SESSION_LIMIT', 0],
    ['contradicts', 'rejected', 'PROTOCOL', 0],
    // From the start of the command on nobody can say that it did nothing.
    ['busy', 'unknown', 'BMC_BUSY', 0],
    ['no effect', 'unknown', 'NOT_VERIFIED', 1],
    ['reboots', 'unknown', 'PROTOCOL', 1],
    ['dies', 'unknown', 'UNREACHABLE', 1],
  ] as const)('%s: %s, %s', async (mode, kind, code, executed) => {
    const { rig, use } = await enrolled(mode);
    expect(await fenceAgentDriver.off(use)).toMatchObject({
      kind,
      error: { code, mayHaveActed: kind === 'unknown' },
    });
    expect(rig.commands()).toHaveLength(executed);
  });

  it('an agent that ends well without a word is believed only after a reading', async () => {
    const { use } = await enrolled('silent');
    expect(await fenceAgentDriver.off(use)).toMatchObject({
      kind: 'accepted',
      detail: expect.stringContaining('Status: OFF'),
    });
  });

  it.each([
    ['B4', 'stuck', 'on'],
    ['B6', 'lying on', 'on'],
    ['B7', 'lying off', 'off'],
  ] as const)('%s: a device that is %s reads %s', async (_row, mode, power) => {
    const { use } = await enrolled(mode);
    expect(await fenceAgentDriver.off(use)).toMatchObject({ kind: 'accepted' });
    expect(await fenceAgentDriver.status(use)).toMatchObject({ power });
  });

  it('B13: an agent that hangs is killed with what it started, and may have acted', async () => {
    const { rig, use } = await enrolled('hangs');
    const startedMs = performance.now();
    expect(await fenceAgentDriver.off({ ...use, timeoutMs: 2000 })).toMatchObject({
      kind: 'unknown',
      error: { code: 'TIMEOUT', mayHaveActed: true },
    });
    expect(performance.now() - startedMs).toBeLessThan(4000);
    expect(rig.children()).toHaveLength(1);
    await waitUntil(() => !rig.children().some(lives), 5000, 'the child to be gone');
  });
});

const noAgents = !programExists('fence_dummy');

describe.skipIf(noAgents)(`agents of the system${noAgents ? ' (needs: fence-agents)' : ''}`, () => {
  // Their names, what they are, and one setting that each has.
  const known = [
    ['fence_ipmilan', 'power', 'lanplus'],
    ['fence_redfish', 'power', 'ssl_insecure'],
    ['fence_dummy', 'power', 'status_file'],
    ['fence_scsi', 'storage', 'devices'],
    ['fence_brocade', 'storage', 'plug'],
    ['fence_kdump', 'notify', 'nodename'],
    ['fence_heuristics_ping', 'heuristic', 'ping_targets'],
  ] as const;

  it.each(known)('%s is %s', async (agent, kind, parameter) => {
    const result = await env.processes.run({
      file: agent,
      arguments: ['-o', 'metadata'],
      input: '',
      environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      timeoutMs: 20_000,
      maxOutputBytes: 262_144,
    });
    const metadata = parseMetadata(agent, result.kind === 'exited' ? result.stdout : '');
    expect(metadata?.class).toBe(kind);
    const names = metadata?.parameters.map(({ name }) => name) ?? [];
    expect(names).toContain(parameter);
    expect(names).not.toContain('action');
    expect(names.filter((name) => /_path$|_script$/.test(name))).toEqual([]);
  });
});

it('no secret was in the arguments or the environment of any process', () => {
  expect(watch.leaks).toEqual([]);
  expect(watch.programs.size).toBeGreaterThan(0);
});
