import { describe, expect, test } from 'vitest';
import { problem } from '../core/problem.ts';
import { kennel, ok } from './testing/fake-world.ts';
import { degradedStatus, healthyStatus, sampleVm } from './testing/sample-views.ts';

const healthy = { client: { status: async () => ok(healthyStatus) } };

describe('status answers with its exit code', () => {
  test.each([
    ['healthy', 0],
    ['degraded', 1],
    ['noQuorum', 2],
  ] as const)('%s is %d', async (health, code) => {
    const client = { status: async () => ok({ ...healthyStatus, health }) };
    expect((await kennel('status', { client })).code).toBe(code);
  });

  test('a manager that cannot be reached is 2, and the error says so', async () => {
    const result = await kennel('status');
    expect(result).toMatchObject({ code: 2, out: '' });
    expect(result.errors).toMatch(/^error\[E_UNAVAILABLE\]: no manager answers\n {2}because: /);
  });
});

describe('the same answer in each format', () => {
  test('json is the view of the API, unchanged', async () => {
    const client = { status: async () => ok(degradedStatus) };
    const { out, code } = await kennel('status -o json', { client });
    expect(JSON.parse(out)).toEqual(degradedStatus);
    expect(code).toBe(1);
  });

  test('yaml is the view of the API, unchanged', async () => {
    const { parse } = await import('yaml');
    const { out } = await kennel('-o yaml status', healthy);
    expect(parse(out)).toEqual(healthyStatus);
  });

  test('global options may stand before, between and after the words', async () => {
    for (const line of ['-o json status', 'status -o json', 'status --output=json']) {
      expect(JSON.parse((await kennel(line, healthy)).out)).toEqual(healthyStatus);
    }
    const between = await kennel('vm -o json ls', { client: { vms: async () => ok([]) } });
    expect(between.out).toBe('[]\n');
  });

  test('wide has more columns', async () => {
    const client = { vms: async () => ok(healthyStatus.vms) };
    expect((await kennel('vm ls', { client })).out).not.toContain('UUID');
    expect((await kennel('vm ls -o wide', { client })).out).toContain('UUID');
  });
});

describe('a command line that is not of the documented form ends with 64', () => {
  test.each([
    ['frobnicate', "unknown command 'frobnicate'", 'kennel --help'],
    ['statsu', "unknown command 'statsu'", 'kennel --help'],
    ['vm strat db-1', "unknown command 'strat'", 'kennel vm --help'],
    ['vm start', "missing required argument 'vm'", 'kennel vm start --help'],
    ['vm start a b', 'too many arguments', 'kennel vm start --help'],
    ['vm create', "required option '-f, --file <file>' not specified", 'kennel vm create --help'],
    ['node fence n', "required option '--reason <text>' not specified", 'kennel node fence --help'],
    ['status --wacth', "unknown option '--wacth'", 'kennel status --help'],
    [
      'status -o xml',
      '--output has no usable value',
      '"xml" is not one of table, json, yaml, wide',
    ],
    ['vm start db-1 --timeout 60', '--timeout has no usable value', '60 has no unit; write 60s'],
    ['node token --ttl soon', '--ttl has no usable value', '"soon" is no duration'],
    ['events --last many', '--last has no usable value', '"many" is not a whole number'],
  ])('kennel %s', async (line, what, more) => {
    const { code, out, errors } = await kennel(line, healthy);
    expect(code).toBe(64);
    expect(out).toBe('');
    expect(errors).toContain(`error[E_USAGE]: ${what}`);
    expect(errors).toContain(more);
  });

  test('what was probably meant is named', async () => {
    expect((await kennel('statsu')).errors).toContain('perhaps status was meant');
    expect((await kennel('status --wacth')).errors).toContain('perhaps --watch was meant');
  });

  test('X4: the value of an unknown option is not repeated, it may be a secret', async () => {
    const { errors } = await kennel('status --passwort=geheim');
    expect(errors).toContain("unknown option '--passwort'");
    expect(errors).not.toContain('geheim');
  });

  test.each(['', 'vm'])('"kennel %s" alone prints the help', async (line) => {
    const { code, errors } = await kennel(line);
    expect(code).toBe(64);
    expect(errors).toMatch(/^Usage: kennel/);
  });
});

describe('help and version', () => {
  test.each(['--help', '-h', 'help', 'vm --help', 'vm create --help', 'help vm'])(
    'kennel %s is printed to standard output',
    async (line) => {
      const { code, out, errors } = await kennel(line);
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(out).toMatch(/^Usage: kennel/);
    },
  );

  test('the help of a verb names defaults, global options and examples', async () => {
    const { out } = await kennel('node token --help');
    expect(out).toContain('(default 1h)');
    expect(out).toContain('Global Options:');
    expect(out).toContain('kennel node token --node node-4');
  });

  test('the lab is mounted with its own options, printed where everything is printed', async () => {
    const { code, out, errors } = await kennel('lab status --help');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(out).toMatch(/^Usage: kennel lab status/);
    expect(await kennel('lab statsu')).toMatchObject({ code: 64, out: '' });
  });

  test('an option that is refused is not in the help', async () => {
    expect((await kennel('fence add --help')).out).not.toMatch(/--password(?!-)/);
  });

  test('the version is that of the package', async () => {
    const { out } = await kennel('--version');
    expect(out).toMatch(/^kennel \d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await kennel('version -o json')).out)).toMatchObject({
      kennel: out.trim().slice('kennel '.length),
    });
  });
});

test('an error of the cluster is printed in its four parts and ends with 1', async () => {
  const client = {
    vm: async () =>
      problem({
        code: 'E_NOT_FOUND',
        what: 'there is no VM db-9',
        because: 'no record has that name',
        so: 'nothing is shown',
        try: ['kennel vm ls'],
      }),
  };
  const { code, errors } = await kennel('vm show db-9', { client });
  expect(code).toBe(1);
  expect(errors).toBe(
    [
      'error[E_NOT_FOUND]: there is no VM db-9',
      '  because: no record has that name',
      '  so:      nothing is shown',
      '  try:     kennel vm ls',
      '',
    ].join('\n'),
  );
});

test('a defect is printed as one, with its stack', async () => {
  const client = { vm: () => Promise.reject(new Error('boom')) };
  const { code, errors } = await kennel('vm show db-1', { client });
  expect(code).toBe(1);
  expect(errors).toMatch(/^error\[E_INTERNAL\]/);
  expect(errors).toContain('boom');
});

test('the client is closed after success and after an error', async () => {
  let closed = 0;
  const close = async (): Promise<void> => {
    closed += 1;
  };
  await kennel('vm show a', { client: { vm: async () => ok(sampleVm({ name: 'a' })), close } });
  await kennel('vm show a', { client: { vm: () => Promise.reject(new Error('x')), close } });
  expect(closed).toBe(2);
});

test('explain answers error codes without a cluster, in any case of letters', async () => {
  const { code, out } = await kennel('explain e_fence_unproven');
  expect(code).toBe(0);
  expect(out).toContain('E_FENCE_UNPROVEN');
  expect(out).toContain('confirm-off');
});

test('explain of a mistyped code names the near one', async () => {
  const { code, errors } = await kennel('explain E_FENCE_UNPROOVEN');
  expect(code).toBe(1);
  expect(errors).toContain('kennel explain E_FENCE_UNPROVEN');
});

test('explain asks the cluster about everything else', async () => {
  const client = {
    explain: async (topic: string) =>
      ok({
        topic,
        facts: ['db-2 waits: node-7 is not proven dead'],
        awaiting: ['3 Off readings of bmc'],
        try: ['kennel node confirm-off node-7 --reason "…"'],
      }),
  };
  const { out } = await kennel('explain db-2', { client });
  expect(out).toBe(
    [
      'db-2',
      '  - db-2 waits: node-7 is not proven dead',
      'waiting for',
      '  - 3 Off readings of bmc',
      'try',
      '    kennel node confirm-off node-7 --reason "…"',
      '',
    ].join('\n'),
  );
});

test('services get absolute paths and everything else as given', async () => {
  const join = await kennel(
    'agent join --token-stdin --manager 10.0.0.10:7400 --node n-1 --address 10.0.0.11 --directory d --boot-id-file b',
    { input: 't\n' },
  );
  expect(join.world.started).toEqual([
    {
      name: 'joinAgent',
      options: {
        token: 't',
        manager: { host: '10.0.0.10', port: 7400 },
        node: 'n-1',
        address: '10.0.0.11',
        directory: '/work/d',
        libvirtSocket: null,
        bootIdFile: '/work/b',
        migrateOver: 'tls',
        machineIdFile: null,
        watchdogSocket: null,
      },
    },
  ]);
  const run = await kennel('manager run');
  expect(run.world.started).toEqual([
    { name: 'runManager', options: { directory: '/var/lib/kennel/manager' } },
  ]);
  expect((await kennel('agent run --directory /d')).world.started[0]?.name).toBe('runAgent');
  expect(
    (await kennel('operator run --without-lease', { client: {} })).world.started[0],
  ).toMatchObject({
    name: 'runOperator',
    options: { kubeconfig: null, leaseNamespace: null, placeholders: null },
  });
  expect(
    (await kennel('operator run --placeholder-image pause', { client: {} })).world.started[0],
  ).toMatchObject({
    options: { placeholders: { namespace: 'kennel-system', image: 'pause' } },
  });
});

test('init prints where the admin configuration is and what comes next', async () => {
  const { code, out, world } = await kennel('init --name prod --address 10.0.0.10 --profile fast');
  expect(code).toBe(0);
  expect(out).toContain('/data/admin.yaml');
  expect(out).toContain('kennel manager run --directory /var/lib/kennel/manager');
  expect(world.started[0]?.options).toEqual({
    directory: '/var/lib/kennel/manager',
    clusterName: 'prod',
    address: '10.0.0.10',
    apiPort: 7400,
    sessionPort: 7401,
    profile: 'fast',
    store: { kind: 'raft' },
  });
});

test.each([
  ['init --name p --address a --api-port 7401', 'people and agents need two ports'],
  ['init --name p --address a --api-port 0', '--api-port has no usable value'],
  ['init --name p --address a --profile slow', '"slow" is not one of fast, default, conservative'],
  ['agent join --token-stdin --manager m --node n --address a', 'host:port'],
  ['agent join --token t --manager m:1 --node n --address a', '--token is not taken'],
  ['agent join --manager m:1 --node n --address a', 'the token comes from exactly one place'],
  ['agent join --token-stdin --manager m:1 --node N_1 --address a', 'cannot be the name of a node'],
])('%s is refused before anything starts', async (line, expected) => {
  const { code, errors, world } = await kennel(line);
  expect(code).toBe(64);
  expect(errors).toContain(expected);
  expect(world.started).toEqual([]);
});
