import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { problem } from '../../core/problem.ts';
import { makeTestCluster } from '../../pki/test-credentials.ts';
import { problemIn, soon, useTestServer } from './test-server.ts';
import { callerIn } from './test-service.ts';

const world = useTestServer();

const goodSpec = {
  name: 'db-1',
  vcpus: 1,
  memoryMiB: 512,
  disks: [],
  interfaces: [],
  priority: 'high',
  definition: { kind: 'typed', machine: null, emulated: true },
  consoleLog: null,
  separateFrom: [],
  nodes: [],
  limits: { restarts: 2, relocations: 2 },
};

test('an administrator reads everything', async () => {
  for (const [path, method] of [
    ['/v1/status', 'status'],
    ['/v1/nodes', 'status'],
    ['/v1/nodes/node-1', 'node'],
    ['/v1/vms', 'status'],
    ['/v1/vms/db-1', 'vm'],
    ['/v1/events?after=7&limit=5', 'events'],
    ['/v1/failovers', 'failovers'],
    ['/v1/failovers/FO-1', 'failover'],
    ['/v1/explain/E_CONFLICT', 'explain'],
  ] as const) {
    const answer = await world.ask('GET', path);
    expect(answer).toMatchObject({ status: 200 });
    expect(world.service.calls.at(-1)?.method).toBe(method);
  }
  expect(world.service.calls.find((call) => call.method === 'events')?.given).toEqual([7, 5]);
  const metrics = await world.ask('GET', '/metrics');
  expect(metrics.text).toBe('# TYPE kennel_up gauge\nkennel_up 1\n');
  expect(metrics.type).toBe('text/plain; version=0.0.4; charset=utf-8');
});

test('every change reaches the world.service with its body, its caller and whether it is a dry run', async () => {
  const device = {
    id: 'bmc',
    level: 1,
    driver: 'ipmi',
    settings: { host: '192.0.2.5' },
    secrets: { password: 'hunter2' },
    settleMs: 2000,
    budgetMs: null,
    delayMs: 60,
  };
  const changes = [
    ['POST', '/v1/tokens', 'createToken', { node: null, ttlMs: 60_000 }],
    ['DELETE', '/v1/nodes/node-1', 'removeNode', undefined],
    ['POST', '/v1/nodes/node-1/fence-devices', 'addFenceDevice', device],
    ['DELETE', '/v1/nodes/node-1/fence-devices/bmc', 'removeFenceDevice', undefined],
    ['POST', '/v1/nodes/node-1/fence-drill', 'drillNode', { level: 2, withVms: false }],
    ['POST', '/v1/nodes/node-1/fence', 'fenceNode', { reason: 'dead', override: false }],
    ['POST', '/v1/nodes/node-1/confirm-off', 'confirmOff', { fence: null, reason: 'seen' }],
    ['POST', '/v1/nodes/node-1/power-on', 'powerOn', undefined],
    ['POST', '/v1/vms', 'createVm', { id: null, spec: goodSpec, desired: 'running', node: null }],
    ['POST', '/v1/vms/adopt', 'adoptVm', { node: 'node-1', domain: 'old' }],
    ['POST', '/v1/vms/db-1/start', 'startVm', undefined],
    ['POST', '/v1/vms/db-1/stop', 'stopVm', { force: true, reason: null }],
    ['POST', '/v1/vms/db-1/disable', 'disableVm', { force: false, reason: null }],
    ['POST', '/v1/vms/db-1/ignore', 'ignoreVm', undefined],
    ['POST', '/v1/vms/db-1/act', 'actOnVm', { verb: 'reset', request: 'r-1', force: false }],
    [
      'POST',
      '/v1/vms/db-1/snapshot',
      'snapshotVm',
      { wish: 'create', snapshot: 's-1', note: null, request: 'r-1' },
    ],
    ['POST', '/v1/vms/db-1/lock', 'lockVm', { kind: 'backup', reason: null }],
    ['POST', '/v1/vms/db-1/unlock', 'unlockVm', undefined],
    ['POST', '/v1/vms/db-1/forget', 'forgetVm', undefined],
    ['DELETE', '/v1/vms/db-1', 'deleteVm', undefined],
  ] as const;
  for (const [method, path, name, body] of changes) {
    for (const [query, dryRun] of [
      ['', false],
      ['?dryRun=true', true],
    ] as const) {
      expect(await world.ask(method, path + query, { body })).toMatchObject({ status: 200 });
      const call = world.service.calls.at(-1);
      expect(call?.method).toBe(name);
      expect(callerIn(call?.given ?? [])).toMatchObject({
        dryRun,
        identity: { role: 'admin', name: 'root', clusterId: world.cluster.clusterId },
      });
      expect(body === undefined ? [undefined] : call?.given).toContainEqual(body);
    }
  }
});

test('dryRun=false is no dry run', async () => {
  expect((await world.ask('POST', '/v1/vms/db-1/start?dryRun=false')).status).toBe(200);
  expect(callerIn(world.service.calls[0]?.given ?? []).dryRun).toBe(false);
});

test('X5: agents and managers may ask nothing, also not for a fence', async () => {
  const agent = await world.cluster.issue('agent', 'node-2');
  for (const as of [agent, world.manager]) {
    const fence = await world.ask('POST', '/v1/nodes/node-1/fence', {
      as,
      body: { reason: 'dead', override: false },
    });
    expect(fence.status).toBe(403);
    expect(problemIn(fence)).toMatchObject({ code: 'E_FORBIDDEN' });
    expect((await world.ask('GET', '/metrics', { as })).status).toBe(403);
    expect((await world.ask('GET', '/nothing', { as })).status).toBe(403);
  }
  expect(world.service.calls).toEqual([]);
});

test('X5: a fence that was asked for without the right is recorded, with who asked', async () => {
  const as = await world.cluster.issue('agent', 'node-2');
  const fence = await world.ask('POST', '/v1/nodes/node-1/fence', { as, body: { reason: 'dead' } });
  expect(fence.status).toBe(403);
  const refusal = world.logged.find((line) => line.includes('a request was refused'));
  expect(JSON.parse(refusal ?? '{}')).toMatchObject({
    level: 'warn',
    method: 'POST',
    route: '/v1/nodes/:node/fence',
    because: 'agent node-2 may not use this interface',
  });
});

test('without a certificate of this cluster nothing but joining is answered', async () => {
  const foreign = await makeTestCluster();
  const strangers = [
    null,
    await foreign.issue('admin', 'root'),
    await world.cluster.issue('admin', 'root', { lifetimeMs: -1000 }),
    await world.cluster.issue('admin', 'root', {
      clusterId: '11111111-2222-4333-8444-555555555555',
    }),
  ];
  for (const as of strangers) {
    for (const viaSocket of [false, true]) {
      const answer = await world.ask('GET', '/v1/status', { as, viaSocket });
      expect(answer.status).toBe(401);
      expect(problemIn(answer).code).toBe('E_CERTIFICATE');
    }
    expect((await world.ask('GET', '/openapi.json', { as })).status).toBe(401);
    expect((await world.ask('POST', '/v1/tokens', { as, body: 'not read' })).status).toBe(401);
  }
  expect(world.service.calls).toEqual([]);
});

test('joining needs no certificate, and no other field than its own', async () => {
  const body = {
    token: 'kjt1.a.b.c',
    node: 'node-9',
    machineId: 'abc',
    address: '192.0.2.9',
    certificateRequest: 'PEM',
  };
  expect(await world.ask('POST', '/v1/join', { as: null, body })).toMatchObject({
    status: 200,
    json: { managers: ['192.0.2.9:7444'] },
  });
  expect(world.service.calls).toEqual([{ method: 'join', given: [body] }]);
  const more = await world.ask('POST', '/v1/join', { as: null, body: { ...body, role: 'admin' } });
  expect(more.status).toBe(400);
  const long = await world.ask('POST', '/v1/join', { as: null, body: 'x'.repeat(70_000) });
  expect(problemIn(long).because).toContain('longer than allowed');
});

test('the unix socket is for its owner only and speaks the same', async () => {
  const path = join(world.directory, 'api.sock');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await world.ask('GET', '/v1/status', { viaSocket: true })).status).toBe(200);
});

test('what is not there is 404 with a problem', async () => {
  for (const path of ['/', '/v1/nope?x=1', '/v1/nodes/node-1/fence', '/v1/join']) {
    const answer = await world.ask('GET', path);
    expect(answer.status).toBe(404);
    expect(problemIn(answer).code).toBe('E_NOT_FOUND');
  }
  const node = await world.ask('GET', '/v1/nodes/node-7');
  expect(problemIn(node)).toMatchObject({ code: 'E_NOT_FOUND', what: 'there is no node node-7' });
  expect(node.status).toBe(404);
});

test('a wrong spec names each field, what is allowed and what was given', async () => {
  const { memoryMiB, ...rest } = goodSpec;
  const spec = { ...rest, memoryMib: memoryMiB, vcpus: 0, priority: 'urgent', consoleLog: 'x' };
  const answer = await world.ask('POST', '/v1/vms', {
    body: { id: null, spec, desired: 'running', node: null },
  });
  expect(answer.status).toBe(400);
  const { code, because } = problemIn(answer);
  expect(code).toBe('E_SPEC_INVALID');
  expect(because).toContain('spec.memoryMib is not known, did you mean memoryMiB?');
  expect(because).toContain('spec.memoryMiB is missing, it must be a whole number');
  expect(because).toContain('spec.vcpus must be at least 1, given 0');
  expect(because).toContain('spec.priority must be one of high, medium, low, given "urgent"');
  expect(because).toContain('spec.consoleLog must be an absolute path, given "x"');
  expect(world.service.calls).toEqual([]);
});

test('a wrong request outside of a spec is E_USAGE, in body, query and path', async () => {
  const cases = [
    ['POST', '/v1/vms/db-1/stop', { force: 'yes', reason: null }, 'force must be true or false'],
    [
      'POST',
      '/v1/vms/db-1/start?dryrun=true',
      undefined,
      'query dryrun is not known, did you mean dryRun?',
    ],
    ['POST', '/v1/vms/db-1/start?dryRun=yes', undefined, 'query dryRun must be one of true, false'],
    ['GET', '/v1/events?after=-1', undefined, 'query after must be at least 0'],
    ['GET', '/v1/events?limit=x', undefined, 'query limit must be a whole number'],
    ['GET', '/v1/nodes/Bad_Name', undefined, 'path node must be 1 to 63 lower-case letters'],
    ['POST', '/v1/vms', '{"secret', 'the body is not valid JSON'],
    ['POST', '/v1/vms', '', 'the body is empty'],
    ['POST', '/v1/vms', '"text"', 'the body must be an object'],
    ['POST', '/v1/vms', `"${'x'.repeat(2 * 1024 * 1024)}"`, 'the body is longer than allowed'],
  ] as const;
  for (const [method, path, body, expected] of cases) {
    const answer = await world.ask(method, path, { body });
    expect(answer.status).toBe(400);
    const { code, because } = problemIn(answer);
    expect(code).toBe('E_USAGE');
    expect(because).toContain(expected);
    expect(because).not.toContain('secret');
  }
  const plain = await world.ask('POST', '/v1/vms', {
    body: 'x',
    headers: { 'content-type': 'text/plain' },
  });
  expect(problemIn(plain).because).toContain('must be JSON');
});

test('a problem of the world.service keeps its words and gets its status', async () => {
  const conflict = { code: 'E_CONFLICT', what: 'w', because: 'b', so: 's', try: ['t'] } as const;
  vi.spyOn(world.service, 'startVm').mockResolvedValue(problem(conflict));
  const answer = await world.ask('POST', '/v1/vms/db-1/start');
  expect(answer.status).toBe(409);
  expect(problemIn(answer)).toEqual(conflict);
});

test('a defect is E_INTERNAL: world.logged with its stack, not explained to the caller', async () => {
  vi.spyOn(world.service, 'status').mockRejectedValue(new TypeError('secret detail'));
  const answer = await world.ask('GET', '/v1/status');
  expect(answer.status).toBe(500);
  expect(problemIn(answer).code).toBe('E_INTERNAL');
  expect(answer.text).not.toContain('secret detail');
  expect(world.logged.join('')).toContain('secret detail');
});

test('X4: no secret of a body gets into the log or into an error', async () => {
  const device = {
    id: 'bmc',
    level: 99,
    driver: 'ipmi',
    settings: {},
    secrets: { password: ['hunter2'], passwort: 'hunter2' },
    settleMs: 2000,
    budgetMs: null,
    delayMs: null,
  };
  const refused = await world.ask('POST', '/v1/nodes/node-1/fence-devices', { body: device });
  expect(refused.status).toBe(400);
  expect(problemIn(refused).because).toContain('level must be at most 8, given 99');
  expect(refused.text).not.toContain('hunter2');
  const accepted = { ...device, level: 1, secrets: { password: 'hunter2' } };
  await world.ask('POST', '/v1/nodes/node-1/fence-devices', { body: accepted });
  await soon(() => expect(world.logged.join('')).toContain('request answered'));
  expect(world.logged.join('')).not.toContain('hunter2');
});

test('what a change was asked by whom is world.logged', async () => {
  await world.ask('POST', '/v1/vms/db-1/start');
  await soon(() => expect(world.logged).toHaveLength(1));
  expect(JSON.parse(world.logged[0] ?? '')).toMatchObject({
    level: 'info',
    method: 'POST',
    route: '/v1/vms/:vm/start',
    actor: 'root',
    status: 200,
  });
});
