import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ManagersView } from '../../src/api/schema/managers.ts';
import type { StatusView } from '../../src/api/schema/views.ts';
import { EtcdCluster } from '../store/etcd/etcd-cluster.ts';
import { freePort, kennel, ManagerProcess, type Finished } from './manager-process.ts';

/** Three managers as processes, joined the way a person joins them. */
describe.each(['raft', 'etcd'] as const)('three managers on %s', { timeout: 150_000 }, (store) => {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-managers-'));
  const config = join(directory, 'manager-1', 'admin', 'several.yaml');
  let etcd: EtcdCluster | null = null;
  const managers: ManagerProcess[] = [];

  const run = (line: string, input?: string): Promise<Finished> =>
    kennel(line.split(' '), { config, ...(input === undefined ? {} : { input }) });
  const named = (name: string): ManagerProcess => {
    const found = managers.find((manager) => manager.name === name);
    if (found === undefined) throw new Error(`no manager ${name}`);
    return found;
  };
  const seen = async (): Promise<ManagersView> =>
    JSON.parse((await run('manager ls -o json')).out) as ManagersView;
  /** Waits until what `manager ls` says holds. */
  const until = (holds: (view: ManagersView) => boolean): Promise<ManagersView> =>
    vi.waitFor(
      async () => {
        const view = await seen();
        if (!holds(view)) throw new Error(`not yet: ${JSON.stringify(view)}`);
        return view;
      },
      { timeout: 90_000, interval: 300 },
    );
  const asks = (addresses: readonly string[]): void => {
    writeFileSync(
      config,
      [
        `addresses: [${addresses.join(', ')}]`,
        'certificate: admin.crt',
        'key: admin.key',
        'certificateAuthority: ca.crt',
      ].join('\n'),
    );
  };

  beforeAll(async () => {
    etcd = store === 'etcd' ? await EtcdCluster.start(1) : null;
    for (const number of [1, 2, 3, 4]) {
      const name = `manager-${number}`;
      const ports = [await freePort(), await freePort()] as const;
      managers.push(new ManagerProcess(name, join(directory, name), ports));
    }
    const first = named('manager-1');
    const endpoints = (etcd?.endpoints ?? []).map(({ port }) => `http://127.0.0.1:${port}`);
    const made = await run(
      [
        `init --name test --address 127.0.0.1 --directory ${first.directory}`,
        `--api-port ${first.apiPort} --session-port ${first.sessionPort} --store ${store}`,
        ...endpoints.map((endpoint) => `--etcd-endpoint ${endpoint}`),
      ].join(' '),
    );
    if (made.code !== 0) throw new Error(made.errors);
    asks([first.address]);
    first.start();
    await until((view) => view.leader === 'manager-1');
  }, 150_000);

  afterAll(async () => {
    await Promise.all(managers.map((manager) => manager.kill()));
    await etcd?.remove();
    rmSync(directory, { recursive: true });
  });

  const joinAs = async (name: string, token: string, via: string): Promise<Finished> => {
    const { directory: data, apiPort, sessionPort } = named(name);
    return run(
      `manager join --token-stdin --manager ${via} --name ${name} --address 127.0.0.1 --api-port ${apiPort} --session-port ${sessionPort} --directory ${data}`,
      token,
    );
  };

  test('a token lets one manager in, once; it holds what the first one holds', async () => {
    const { out: token } = await run('manager token --name manager-2');
    const joined = await joinAs('manager-2', token, named('manager-1').address);
    expect(joined).toMatchObject({ code: 0, errors: '' });
    const [first, second] = [named('manager-1').directory, named('manager-2').directory];
    for (const file of ['authority.pem', 'cluster-keys.json']) {
      expect(readFileSync(join(second, file))).toEqual(readFileSync(join(first, file)));
      expect(statSync(join(second, file)).mode & 0o777).toBe(0o600);
    }
    const again = await joinAs('manager-3', token, named('manager-1').address);
    expect(again).toMatchObject({ code: 1 });
    expect(again.errors).toContain('E_TOKEN_INVALID');
    named('manager-2').start();
    await until((view) => view.managers.every((manager) => manager.healthy));
  });

  test('a token of a node makes no manager', async () => {
    const { out: token } = await run('node token');
    const refused = await joinAs('manager-3', token, named('manager-1').address);
    expect(refused.errors).toContain('the token is for a node');
  });

  test('a follower takes the join of a third one to the leader, whoever that becomes meanwhile', async () => {
    const { out: token } = await run('manager token');
    asks([named('manager-2').address]);
    const stalled = named('manager-1');
    stalled.signal('SIGSTOP');
    const joining = joinAs('manager-3', token, named('manager-2').address);
    try {
      await until((view) => view.leader !== 'manager-1');
    } finally {
      stalled.signal('SIGCONT');
    }
    expect(await joining).toMatchObject({ code: 0, errors: '' });
    named('manager-3').start();
    asks(['manager-1', 'manager-2', 'manager-3'].map((name) => named(name).address));
    const view = await until((now) => now.managers.filter((one) => one.healthy).length === 3);
    expect(view.managers.map((manager) => manager.number)).toEqual([1, 2, 3]);
    const status = await run('status');
    expect(status.out).toMatch(/managers 3\/3 {2}leader manager-\d \(epoch /);
    expect(status.code).toBe(0);
  });

  test('M1: the leader is killed: another leads, and joining goes on without it', async () => {
    const before = await until((view) => view.leader !== null);
    const killed = named(before.leader ?? '');
    await killed.kill();
    const after = await until((view) => view.leader !== null && view.leader !== killed.name);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    // The first manager made the authority; all can issue.
    const made = await run('node token --node node-1');
    expect(made).toMatchObject({ code: 0 });
    // It counts as down a little after another one leads.
    await vi.waitFor(
      async () => {
        const { findings } = JSON.parse((await run('status -o json')).out) as StatusView;
        expect(findings).toContainEqual(
          expect.objectContaining({ code: 'MANAGER_DOWN', subject: killed.name }),
        );
      },
      { timeout: 30_000, interval: 300 },
    );
    killed.start();
    await until((now) => now.managers.filter((one) => one.healthy).length === 3);
  });

  test('M2: a paused leader is passed over, and follows when it wakes', async () => {
    const { leader } = await until((view) => view.leader !== null);
    const paused = named(leader ?? '');
    paused.signal('SIGSTOP');
    try {
      await until((view) => view.leader !== null && view.leader !== leader);
    } finally {
      paused.signal('SIGCONT');
    }
    await until((view) => view.managers.every((manager) => manager.healthy));
    expect(paused.printed).toContain('not leading any more');
  });

  test('a manager takes the place of another one, which stops by itself', async () => {
    const { out: token } = await run('manager replace manager-3 --name manager-4');
    const joined = await joinAs('manager-4', token, named('manager-1').address);
    expect(joined).toMatchObject({ code: 0, errors: '' });
    named('manager-4').start();
    expect(await named('manager-3').ended()).toBe(1);
    expect(named('manager-3').printed).toContain('no manager of this cluster any more');
    const view = await until(
      (now) => now.leader !== null && now.managers.every((one) => one.healthy),
    );
    expect(view.managers.map((manager) => manager.name)).toEqual([
      'manager-1',
      'manager-2',
      'manager-4',
    ]);
  });

  test('O13: managers are removed, the leader first, down to the last one, which stays', async () => {
    asks(['manager-1', 'manager-2', 'manager-4'].map((name) => named(name).address));
    const { leader } = await until((view) => view.leader !== null);
    const others = ['manager-1', 'manager-2', 'manager-4'].filter((name) => name !== leader);
    const [second = '', last = ''] = others;
    for (const name of [leader ?? '', second]) {
      const removed = await run(`manager remove ${name} -y`);
      expect(removed).toMatchObject({ code: 0, errors: '' });
      expect(await named(name).ended()).toBe(1);
      await until((view) => view.leader !== null);
    }
    const refused = await run(`manager remove ${last} -y`);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.errors).toContain('no manager would be left that can lead');
  });

  test('X4: no key, no password and no token stands in what the managers printed', () => {
    const keys = readFileSync(join(named('manager-1').directory, 'cluster-keys.json'), 'utf8');
    const [secret] = (JSON.parse(keys) as { key: string }[]).map((key) => key.key);
    for (const { printed } of managers) {
      expect(printed).not.toContain(secret);
      expect(printed).not.toMatch(/PRIVATE KEY-----\n|kjt1\.[0-9a-f]{16}\.[\w-]{43}/);
    }
  });
});
