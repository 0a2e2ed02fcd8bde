import { describe, expect, test } from 'vitest';
import type { DeviceTestView } from '../../api/schema/fencing.ts';
import { kennel, ok } from '../testing/fake-world.ts';
import { openFence, sampleBudget, sampleDevice, sampleNode } from '../testing/sample-views.ts';

const bmc = sampleDevice({ id: 'node-1/bmc' });
const pdu = sampleDevice({
  id: 'node-1/pdu-a',
  level: 2,
  driver: 'fence-agent',
  outlet: 'fence-agent 10.0.9.9, plug 3',
  identity: null,
  error: { code: 'AUTH_PASSWORD', detail: 'refused' },
  errorSince: '2026-11-22T09:00:00.000Z',
  lastCheck: { ageMs: 90_000, latencyMs: 80, power: 'unknown' },
  drill: { at: '2026-11-20T09:00:00.000Z', silenceMs: 240 },
});
const node = sampleNode({ name: 'node-1', fenceDevices: [bmc, pdu], fenceGrade: 'degraded' });
const bare = sampleNode({ name: 'node-2', readiness: [], fenceGrade: 'none' });
const client = {
  nodes: async () => ok([node, bare]),
  node: async (name: string) => ok(name === 'node-1' ? node : bare),
};

describe('reading', () => {
  test('ls shows every device with its level, its state and what it switches', async () => {
    const { out, code } = await kennel('fence ls', { client });
    expect(code).toBe(0);
    expect(out).toContain('node-1/bmc        1  ipmi         ready');
    expect(out).toContain('AUTH_PASSWORD');
    expect(out).toContain('fence-agent 10.0.9.9, plug 3');
    expect(out).toContain('node-2: no fence device (kennel fence add node-2/bmc --driver …)');
    expect((await kennel('fence ls node-2', { client })).out).not.toContain('node-1');
  });

  test('show tells check, drill and settings of one device', async () => {
    const { out } = await kennel('fence show node-1/pdu-a', { client });
    expect(out).toContain('AUTH_PASSWORD since 2026-11-22T09:00:00.000Z: refused');
    expect(out).toContain('silent 240 ms after the first Off at the latest');
    const unknown = await kennel('fence show node-1/psu', { client });
    expect(unknown.code).toBe(1);
    expect(unknown.errors).toContain('node-1 has node-1/bmc, node-1/pdu-a');
    expect((await kennel('fence show node-1', { client })).errors).toContain('NODE/DEVICE');
  });

  test('budget tells the worst case and what it is made of', async () => {
    const { out } = await kennel('fence budget', { client });
    expect(out).toContain('recovery: 15s if level 1 obeys, 2m05s at worst');
    expect(out).toContain('45s for level 1');
    const json = await kennel('fence budget node-1 -o json', { client });
    expect(JSON.parse(json.out)).toEqual([{ node: 'node-1', ...sampleBudget }]);
  });

  test('drivers tells what each kind of device is given', async () => {
    const driver = {
      kind: 'ipmi',
      summary: 'BMCs',
      settings: [
        { name: 'host', summary: 'where', isRequired: true, fallback: null },
        { name: 'port', summary: 'UDP port', isRequired: false, fallback: '623' },
      ],
      secrets: ['password'],
      takesFurtherSecrets: false,
    };
    const drivers = { fenceDrivers: async () => ok([driver]) };
    const { out } = await kennel('fence drivers', { client: drivers });
    expect(out).toMatch(/host +always +where\n +port +or 623 +UDP port\n +password +always/);
    expect((await kennel('fence drivers smoke', { client: drivers })).errors).toContain('ipmi');
  });

  test('status says of a node that some of its devices fail', async () => {
    expect((await kennel('node ls', { client })).out).toMatch(/node-1 .* power,degraded/);
    const failing = sampleNode({ name: 'node-3', readiness: [], fenceGrade: 'failing' });
    const { out } = await kennel('node ls', { client: { nodes: async () => ok([failing]) } });
    expect(out).toMatch(/node-3 .* failing/);
  });
});

describe('test', () => {
  const tested = (change: Partial<DeviceTestView>): DeviceTestView => ({
    device: 'node-1/bmc',
    ok: true,
    error: null,
    identity: 'x',
    power: 'on',
    learned: {},
    warnings: [],
    latencyMs: 41,
    ...change,
  });

  test('asks for one device or all of a node, and fails when one does', async () => {
    const asked: unknown[] = [];
    const error = { code: 'UNREACHABLE', detail: 'no answer' };
    const tests = [tested({}), tested({ device: 'node-1/pdu-a', ok: false, error })];
    const testFence = async (...given: unknown[]) => {
      asked.push(given.slice(0, 2));
      return ok(tests);
    };
    const { code, out } = await kennel('fence test node-1', { client: { testFence } });
    expect(code).toBe(1);
    expect(out).toContain('node-1/bmc: ok, reads on, answered in 41 ms');
    expect(out).toContain('node-1/pdu-a: failed, UNREACHABLE: no answer');
    await kennel('fence test node-1/bmc', { client: { testFence } });
    expect(asked).toEqual([
      ['node-1', { device: null }],
      ['node-1', { device: 'bmc' }],
    ]);
  });
});

describe('drill', () => {
  const off = sampleNode({
    name: 'node-1',
    state: 'fenced',
    fenceDevices: [{ ...bmc, drill: { at: 'now', silenceMs: 700 } }, pdu],
  });

  function site() {
    const calls: string[] = [];
    let view = node;
    return {
      calls,
      client: {
        drillNode: async (name: string, body: object, how?: object) => {
          calls.push(`drill ${name} ${JSON.stringify(body)}`);
          if (how !== undefined && 'dryRun' in how && how.dryRun !== true) view = off;
          return ok({ ...openFence, node: name });
        },
        powerOn: async (name: string) => {
          calls.push(`power-on ${name}`);
          view = node;
          return ok(view);
        },
        node: async () => ok(view),
      },
    };
  }

  test('powers off, waits for the proof, powers on, and says what was measured', async () => {
    const { calls, client: at } = site();
    const { code, out } = await kennel('fence drill node-1 --yes', { client: at });
    expect(code).toBe(0);
    expect(calls).toEqual(['drill node-1 {"level":1,"withVms":false}', 'power-on node-1']);
    expect(out).toContain('node-1/bmc: silent 700 ms after the first Off at the latest');
    expect(out).not.toContain('pdu-a');
  });

  test('nothing is done without a yes, or in a dry run but to ask', async () => {
    const declined = site();
    const no = await kennel('fence drill node-1', { client: declined.client, answers: ['n'] });
    expect({ code: no.code, calls: declined.calls }).toEqual({ code: 1, calls: [] });
    const dry = site();
    await kennel('fence drill node-1 --dry-run', { client: dry.client });
    expect(dry.calls).toEqual(['drill node-1 {"level":1,"withVms":false}']);
    const dark = site();
    await kennel('fence drill node-1 --yes --stay-off', { client: dark.client });
    expect(dark.calls).not.toContain('power-on node-1');
  });
});

test('rm forgets one device by its two names', async () => {
  const asked: unknown[] = [];
  const removeFenceDevice = async (...given: unknown[]) => {
    asked.push(given.slice(0, 2));
    return ok(bare);
  };
  const { code, out } = await kennel('fence rm node-1/pdu-a -y', { client: { removeFenceDevice } });
  expect(code).toBe(0);
  expect(out).toContain('fence device node-1/pdu-a: removed');
  expect(asked).toEqual([['node-1', 'pdu-a']]);
});
