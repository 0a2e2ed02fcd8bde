import { describe, expect, test } from 'vitest';
import type { NodeView, VmView } from '../../api/schema/views.ts';
import { problem } from '../../core/problem.ts';
import { kennel, ok } from '../testing/fake-world.ts';
import type { FakeOptions } from '../testing/fake-world.ts';
import { openFence, sampleBudget, sampleNode, sampleVm } from '../testing/sample-views.ts';

/** A client that writes down what it was asked to change. */
function recorder() {
  const calls: unknown[][] = [];
  const note =
    <T>(name: string, value: T) =>
    async (...given: unknown[]) => {
      calls.push([name, ...given]);
      return ok(value);
    };
  const vm = sampleVm({ name: 'db-1' });
  const node = sampleNode({ name: 'node-7' });
  const client: FakeOptions['client'] = {
    startVm: note('startVm', vm),
    stopVm: note('stopVm', vm),
    disableVm: note('disableVm', vm),
    ignoreVm: note('ignoreVm', vm),
    forgetVm: note('forgetVm', vm),
    deleteVm: note('deleteVm', vm),
    adoptVm: note('adoptVm', vm),
    createVm: note('createVm', vm),
    fenceNode: note('fenceNode', openFence),
    confirmOff: note('confirmOff', openFence),
    powerOn: note('powerOn', node),
    removeNode: note('removeNode', node),
    createToken: note('createToken', { token: 'kjt1.a.b.c', expiresAt: 'soon' }),
    addFenceDevice: note('addFenceDevice', {
      ok: true,
      identity: '36ae',
      power: 'on',
      learned: { cipherSuite: 17 },
      warnings: [{ code: 'CIPHER_0_OPEN', text: 'suite 0 is open' }],
      latencyMs: 41.2,
      outlet: 'ipmi 10.0.9.7:623',
      budget: sampleBudget,
    }),
  };
  return { calls, client };
}

describe('what hurts is asked first', () => {
  test.each([
    ['vm stop db-1 --force', 'loses power at once'],
    ['vm delete db-1', 'leaves the cluster'],
    ['node fence node-7 --reason r', 'loses power'],
    ['node remove node-7', 'leaves the cluster'],
  ])('%s: yes does it, anything else does not', async (line, question) => {
    const agreed = recorder();
    const yes = await kennel(line, { client: agreed.client, answers: ['y'] });
    expect(yes.world.questions[0]).toContain(question);
    expect(yes.world.questions[0]).toMatch(/\[y\/N\] $/);
    expect({ code: yes.code, calls: agreed.calls.length }).toEqual({ code: 0, calls: 1 });
    for (const answer of ['', 'n', 'yess']) {
      const declined = recorder();
      const no = await kennel(line, { client: declined.client, answers: [answer] });
      expect({ code: no.code, calls: declined.calls }).toEqual({ code: 1, calls: [] });
      expect(no.errors).toBe('not confirmed, nothing was changed\n');
    }
  });

  test('without a terminal it is refused, with -y it is done, with --dry-run it is only asked of the cluster', async () => {
    const { calls, client } = recorder();
    const refused = await kennel('vm delete db-1', { client });
    expect(refused.code).toBe(64);
    expect(refused.errors).toContain('the same command with -y');
    expect(calls).toEqual([]);
    await kennel('vm delete db-1 -y', { client });
    const dry = await kennel('vm delete db-1 --dry-run', { client });
    expect(calls).toEqual([
      ['deleteVm', 'db-1', { dryRun: false, reason: null }],
      ['deleteVm', 'db-1', { dryRun: true, reason: null }],
    ]);
    expect(dry.out).toContain('would be deleted');
  });

  test('O5: confirm-off wants the name of the node typed, a yes is not enough', async () => {
    const { calls, client } = recorder();
    const line = ['node', 'confirm-off', 'node-7', '--reason', 'pulled both cords'];
    const yes = await kennel(line, { client, answers: ['y'] });
    expect(yes.code).toBe(1);
    expect(calls).toEqual([]);
    const typed = await kennel(line, { client, answers: ['node-7'] });
    expect(typed.code).toBe(0);
    expect(calls).toEqual([
      [
        'confirmOff',
        'node-7',
        { fence: null, reason: 'pulled both cords' },
        { dryRun: false, reason: 'pulled both cords' },
      ],
    ]);
  });

  test('a stop that asks the guest is not asked twice', async () => {
    const { calls, client } = recorder();
    expect((await kennel('vm stop db-1 --reason r', { client })).code).toBe(0);
    expect(calls).toEqual([
      ['stopVm', 'db-1', { force: false, reason: 'r' }, { dryRun: false, reason: 'r' }],
    ]);
  });

  test('disabling and ignoring ask nothing; a forced one and forgetting do', async () => {
    const { calls, client } = recorder();
    expect((await kennel('vm disable db-1', { client })).code).toBe(0);
    expect((await kennel('vm ignore db-1', { client })).code).toBe(0);
    const no = { client, answers: ['n', 'n'] };
    expect((await kennel('vm disable db-1 --force', no)).code).toBe(1);
    expect((await kennel('vm forget db-1', no)).code).toBe(1);
    expect((await kennel('vm forget db-1 -y', { client })).code).toBe(0);
    expect(calls).toEqual([
      ['disableVm', 'db-1', { force: false, reason: null }, { dryRun: false, reason: null }],
      ['ignoreVm', 'db-1', { dryRun: false, reason: null }],
      ['forgetVm', 'db-1', { dryRun: false, reason: null }],
    ]);
  });
});

test('a reason goes with every change', async () => {
  const { calls, client } = recorder();
  const { code } = await kennel('vm start db-1 --reason because', { client });
  expect(code).toBe(0);
  expect(calls).toEqual([['startVm', 'db-1', { dryRun: false, reason: 'because' }]]);
});

/** Answers the views one after the other, the last one for ever. */
function sequence<T>(...views: readonly T[]): () => Promise<T> {
  let next = 0;
  return async () => {
    const view = views[Math.min(next, views.length - 1)];
    next += 1;
    if (view === undefined) throw new Error('the test gave no view');
    return view;
  };
}

const vmIn = (state: VmView['state']) => ok(sampleVm({ name: 'db-1', state }));
const nodeIn = (fields: Partial<NodeView>) => ok(sampleNode({ name: 'node-7', ...fields }));
const notFound = problem({ code: 'E_NOT_FOUND', what: 'gone', because: '', so: '', try: [] });
const away = problem({ code: 'E_NOT_LEADER', what: 'election', because: '', so: '', try: [] });

describe('--wait looks until the goal is seen', () => {
  test('a VM is waited for until it runs, over a change of leader', async () => {
    const { client } = recorder();
    const vm = sequence(vmIn('starting'), away, vmIn('running'));
    const result = await kennel('vm start db-1 --wait', { client: { ...client, vm } });
    expect(result.code).toBe(0);
    expect(result.out).toContain('vm db-1: running\n');
  });

  test('time is only a bound: E_TIMEOUT, exit code 1, and it goes on', async () => {
    const { client } = recorder();
    const vm = sequence(vmIn('starting'));
    const result = await kennel('vm start db-1 --wait --timeout 5s', { client: { ...client, vm } });
    expect(result.code).toBe(1);
    expect(result.errors).toContain('error[E_TIMEOUT]: VM db-1 running was not seen within 5s');
    expect(result.errors).toContain('because: db-1 is starting on node-1');
    expect(result.errors).toContain('the operation goes on');
    expect(result.world.nowMs()).toBe(6000);
  });

  test('a VM that failed is not waited for to the end', async () => {
    const { client } = recorder();
    const vm = sequence(
      ok(sampleVm({ name: 'db-1', state: 'failed', reason: 'no bootable disk' })),
    );
    const result = await kennel('vm start db-1 --wait', { client: { ...client, vm } });
    expect(result.code).toBe(1);
    expect(result.errors).toContain('because: no bootable disk');
    expect(result.world.nowMs()).toBe(1000);
  });

  test('a deleted VM is waited for until it is gone', async () => {
    const { client } = recorder();
    const vm = sequence<Awaited<ReturnType<typeof vmOrGone>>>(vmIn('stopping'), notFound);
    const result = await kennel('vm delete db-1 -y --wait', { client: { ...client, vm } });
    expect(result.code).toBe(0);
    expect(result.out).toContain('vm db-1: gone');
  });

  test('a fenced node is waited for until there is a proof', async () => {
    const { client } = recorder();
    const node = sequence(
      nodeIn({ state: 'fencing', fence: openFence }),
      nodeIn({ state: 'fencing', fence: { ...openFence, phase: 'proven' } }),
    );
    const result = await kennel('node fence node-7 --reason r -y --wait', {
      client: { ...client, node },
    });
    expect(result.code).toBe(0);
    expect(result.out).toContain('node node-7: proven dead');
  });

  test('a fence that was cancelled is not waited for, and is no success', async () => {
    const { client } = recorder();
    const node = sequence(nodeIn({ state: 'online', fence: { ...openFence, phase: 'cancelled' } }));
    const result = await kennel('node fence node-7 --reason r -y --wait', {
      client: { ...client, node },
    });
    expect(result.code).toBe(1);
    expect(result.errors).toContain('E_FENCE_UNPROVEN');
  });

  test('a node that could not be fenced in time says what is awaited', async () => {
    const { client } = recorder();
    const node = sequence(nodeIn({ state: 'fencing', fence: openFence }));
    const result = await kennel('node fence node-7 --reason r -y --wait --timeout 1s', {
      client: { ...client, node },
    });
    expect(result.errors).toContain('awaiting 3 Off readings of bmc over 2 s');
  });

  test.each([
    ['node power-on node-7', 'node node-7: online'],
    ['vm adopt node-1 dom', 'vm dom: under the care of the cluster'],
    ['vm stop db-1', 'vm db-1: stopped'],
  ])('%s --wait ends with "%s"', async (line, reached) => {
    const { client } = recorder();
    const vm = sequence(vmIn('unknown'), vmIn('stopped'));
    const node = sequence(nodeIn({ state: 'fenced' }), nodeIn({}));
    const result = await kennel(`${line} --wait`, { client: { ...client, vm, node } });
    expect(result.code).toBe(0);
    expect(result.out).toContain(`${reached}\n`);
  });

  test('--dry-run waits for nothing', async () => {
    const { client } = recorder();
    expect((await kennel('vm start db-1 --dry-run --wait', { client })).code).toBe(0);
  });
});

async function vmOrGone() {
  return Math.max(0, 1) === 1 ? vmIn('running') : notFound;
}

describe('node token', () => {
  const files = {
    '/etc/kennel/admin.yaml':
      'addresses: [10.0.0.10:7400]\ncertificate: a\nkey: b\ncertificateAuthority: c\n',
  };

  test('prints the token alone to standard output, and how to use it to standard error', async () => {
    const { calls, client } = recorder();
    const { out, errors } = await kennel('node token --node node-4 --ttl 10m', { client, files });
    expect(out).toBe('kjt1.a.b.c\n');
    expect(errors).toContain('kennel agent join --manager 10.0.0.10:7400 --node node-4');
    expect(calls).toEqual([
      ['createToken', { node: 'node-4', ttlMs: 600_000 }, { dryRun: false, reason: null }],
    ]);
  });

  test('refuses a name that no node can have', async () => {
    const { calls, client } = recorder();
    expect((await kennel('node token --node Node_4', { client, files })).code).toBe(64);
    expect(calls).toEqual([]);
  });
});

describe('fence add', () => {
  const line = 'fence add node-7/bmc --driver ipmi --host 10.0.9.7 --user kennel';

  test('a fence agent may need no password, or secrets of other names', async () => {
    const { calls, client } = recorder();
    const files = { '/work/snmp': 'gehe im\n' };
    await kennel(
      'fence add node-7/pdu --driver fence-agent --set agent=fence_apc_snmp --set plug=3 --secret-file snmp_priv_passwd=snmp',
      { client, files },
    );
    expect(calls[0]?.[2]).toMatchObject({
      driver: 'fence-agent',
      settings: { agent: 'fence_apc_snmp', plug: 3 },
      secrets: { snmp_priv_passwd: 'gehe im' },
    });
    const wrong = await kennel(
      'fence add node-7/pdu --driver fence-agent --set agent=fence_apc --secret-file snmp',
      { client, files },
    );
    expect(wrong.code).toBe(64);
    expect(calls).toHaveLength(1);
  });

  test('sends settings and the password apart, and prints what was learned', async () => {
    const { calls, client } = recorder();
    const files = { '/work/pw': 'gehe im\n' };
    const { out } = await kennel(
      `${line} --password-file pw --port 6230 --settle 500ms --set cipherSuite=17 --set note="17"`,
      { client, files },
    );
    expect(calls).toEqual([
      [
        'addFenceDevice',
        'node-7',
        {
          id: 'bmc',
          level: 1,
          driver: 'ipmi',
          settings: { host: '10.0.9.7', user: 'kennel', port: 6230, cipherSuite: 17, note: '17' },
          secrets: { password: 'gehe im' },
          settleMs: 500,
          budgetMs: null,
          delayMs: null,
        },
        { dryRun: false, reason: null },
      ],
    ]);
    expect(out).toContain('fence device node-7/bmc: added');
    expect(out).toContain('! CIPHER_0_OPEN  suite 0 is open');
    expect(out).not.toContain('gehe');
  });

  test('takes the password from standard input', async () => {
    const { calls, client } = recorder();
    await kennel(`${line} --password-stdin`, { client, input: 'geheim\r\n' });
    expect(calls[0]?.[2]).toMatchObject({ secrets: { password: 'geheim' } });
  });

  test.each([
    [`${line} --password geheim`, '--password is not taken', 'can read the arguments'],
    [`${line} --password=geheim`, '--password is not taken', '--password-file FILE'],
    [`${line} --password-stdin --set password=geheim`, '--set password=… is not taken', 'secret'],
    [`${line} --password-stdin --set geheim`, '--set has no usable value', 'key=value'],
  ])('X4: a secret in the arguments is refused and not repeated (%#)', async (argv, what, more) => {
    const { calls, client } = recorder();
    const { code, errors, out } = await kennel(argv, { client, input: 'x' });
    expect(code).toBe(64);
    expect(errors).toContain(what);
    expect(errors).toContain(more);
    expect(errors + out).not.toContain('geheim');
    expect(calls).toEqual([]);
  });

  test.each([
    [line, {}, 'none is given'],
    [`${line} --password-stdin --password-file pw`, {}, 'two are given'],
    [`${line} --password-stdin`, { input: '\n' }, 'the password is empty'],
    [`${line} --password-file pw`, {}, 'there is no such file'],
    [`${line} --password-stdin --settle 5ms`, { input: 'x' }, 'settleMs'],
    [`${line.replace('/bmc', '/BMC_1')} --password-stdin`, { input: 'x' }, 'id: '],
    [`${line.replace('/bmc', '')} --password-stdin`, { input: 'x' }, 'NODE/DEVICE'],
  ])('%s (%o) is refused: %s', async (argv, options, expected) => {
    const { calls, client } = recorder();
    const { code, errors } = await kennel(argv, { client, ...options });
    expect(code).not.toBe(0);
    expect(errors).toContain(expected);
    expect(calls).toEqual([]);
  });
});

describe('vm create', () => {
  const two = 'name: a\ncpus: 1\nmemory: 1GiB\n---\nname: b\ncpus: 1\nmemory: 1GiB\n';

  test('creates every VM of the file, in order', async () => {
    const { calls, client } = recorder();
    const { code } = await kennel('vm create -f vms.yaml', {
      client,
      files: { '/work/vms.yaml': two },
    });
    expect(code).toBe(0);
    expect(calls).toMatchObject([
      ['createVm', { spec: { name: 'a' } }, { dryRun: false }],
      ['createVm', { spec: { name: 'b' } }, { dryRun: false }],
    ]);
  });

  test('reads standard input, and prints one VM as one object', async () => {
    const { client } = recorder();
    const { out } = await kennel('vm create -f - -o json', {
      client,
      input: 'name: a\ncpus: 1\nmemory: 1GiB\n',
    });
    expect(JSON.parse(out)).toMatchObject({ name: 'db-1' });
  });

  test('nothing is created from a file with one mistake in it', async () => {
    const { calls, client } = recorder();
    const { code, errors } = await kennel('vm create -f -', {
      client,
      input: `${two}---\nname: c\ncpus: 1\nmemory: 512\n`,
    });
    expect(code).toBe(1);
    expect(errors).toContain('error[E_SPEC_INVALID]: one thing is wrong in the file');
    expect(errors).toContain('standard input:11: memory: 512 has no unit');
    expect(calls).toEqual([]);
  });

  test('when the cluster refuses one, those before it are printed', async () => {
    let count = 0;
    const createVm = async () => {
      count += 1;
      return count === 1 ? ok(sampleVm({ name: 'a' })) : notFound;
    };
    const { code, out } = await kennel('vm create -f -', { client: { createVm }, input: two });
    expect(code).toBe(1);
    expect(out).toContain('vm a: created');
  });

  test('--wait waits for each VM that shall run, all within one timeout', async () => {
    const { client } = recorder();
    const vm = sequence(vmIn('starting'), vmIn('running'), vmIn('starting'));
    const result = await kennel('vm create -f - --wait --timeout 3s', {
      client: { ...client, vm },
      input: two,
    });
    expect(result.code).toBe(1);
    expect(result.out).toContain('vm a: running');
    expect(result.errors).toContain('VM b running was not seen within 3s');
    expect(result.world.nowMs()).toBe(4000);
  });

  test('a file that is not there is named', async () => {
    const { errors } = await kennel('vm create -f none.yaml', recorder());
    expect(errors).toContain('/work/none.yaml cannot be read');
  });
});
