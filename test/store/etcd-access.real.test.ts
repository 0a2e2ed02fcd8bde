import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterId } from '../../src/core/model/ids.ts';
import { createAuthority } from '../../src/pki/authority.ts';
import { issueCredentials } from '../../src/pki/leaf.ts';
import { openEtcdStore } from '../../src/store/etcd/open-etcd-store.ts';
import type { EtcdSettings, EtcdTls } from '../../src/store/etcd/settings.ts';
import type { Store } from '../../src/store/store.ts';
import { campaign, collect, commit, put } from './conformance-tools.ts';
import { EtcdCluster } from './etcd/etcd-cluster.ts';
import { etcdEnv, testTimes } from './etcd/etcd-harness.ts';

/* An etcd with TLS, client certificates and users, as a site that shares one would have it. */

const name = randomUUID();
let directory: string;
let tls: EtcdTls;
let cluster: EtcdCluster;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kennel-etcd-access-'));
  const nowIso = new Date().toISOString();
  const authority = await createAuthority({ clusterId: name, nowIso });
  const issued = await issueCredentials(authority, {
    clusterId: name,
    role: 'manager',
    name: 'etcd',
    nowIso,
    dnsNames: ['etcd.test'],
    ipAddresses: ['127.0.0.1'],
  });
  if (issued.kind === 'problem') throw new Error(issued.problem.because);
  const { certificatePem: certificate, keyPem: key, caPem: ca } = issued.value;
  tls = { ca, client: { certificate, key }, serverName: 'etcd.test' };
  cluster = await EtcdCluster.start(1, tls);
  await Promise.all([
    writeFile(join(directory, 'ca'), ca),
    writeFile(join(directory, 'certificate'), certificate),
    writeFile(join(directory, 'key'), key),
  ]);
  etcdctl('role', 'add', 'kennel');
  etcdctl('role', 'grant-permission', 'kennel', '--prefix=true', 'readwrite', `/kennel/${name}/`);
  for (const user of ['root', 'kennel', 'stranger']) {
    etcdctl('user', 'add', user, '--interactive=false');
  }
  etcdctl('user', 'grant-role', 'root', 'root');
  etcdctl('user', 'grant-role', 'kennel', 'kennel');
  etcdctl('auth', 'enable');
});
afterAll(async () => {
  await cluster.remove();
  await rm(directory, { recursive: true, force: true });
});

function etcdctl(...words: readonly string[]): void {
  const port = cluster.endpoints[0]?.port ?? 0;
  const file = (part: string) => join(directory, part);
  execFileSync(
    'etcdctl',
    [
      `--endpoints=https://127.0.0.1:${port}`,
      `--cacert=${file('ca')}`,
      `--cert=${file('certificate')}`,
      `--key=${file('key')}`,
      ...words,
    ],
    {
      env: { ...process.env, ETCDCTL_API: '3' },
      input: 'pass-word\n',
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
}

function open(settings: Partial<EtcdSettings> = {}): Promise<Store> {
  const user = { name: 'kennel', password: 'pass-word' };
  return openEtcdStore({
    env: etcdEnv(),
    clusterId: clusterId(name),
    settings: { endpoints: cluster.endpoints, tls, user, ...settings },
    times: testTimes,
  });
}

test('X3: a user with rights on the cluster’s prefix does everything through mutual TLS', async () => {
  const store = await open();
  const leader = await campaign(store, 'a');
  const { events, stop } = collect(store, '', leader.createRevision);
  await commit(store, [put('k', '1')]);
  await expect.poll(() => events.length).toBe(1);
  expect(await leader.confirm()).toBe(true);
  stop();
  await leader.resign();
  await store.close();
});

test('an address without a name to check is reached too', async () => {
  const store = await open({ tls: { ...tls, serverName: null } });
  const at = await commit(store, [put('k', '1')]);
  expect((await store.get('k')).item?.modRevision).toBe(at);
  await store.close();
});

test.each([
  ['a wrong password', { user: { name: 'kennel', password: 'wrong' } }],
  ['no user', { user: null }],
  ['a user without rights', { user: { name: 'stranger', password: 'pass-word' } }],
] as const)('%s is refused at once, without the password in the words', async (_, settings) => {
  const opening = open(settings);
  await expect(opening).rejects.toMatchObject({ name: 'EtcdUnusable' });
  await expect(opening).rejects.not.toThrow('pass-word');
});

test('without a client certificate, or with another authority, the store waits and says why', async () => {
  const env = etcdEnv();
  const controller = new AbortController();
  const opening = openEtcdStore({
    env,
    clusterId: clusterId(name),
    settings: { endpoints: cluster.endpoints, tls: { ...tls, ca: null }, user: null },
    times: testTimes,
    signal: controller.signal,
  });
  await expect.poll(() => env.log.lines.length, { timeout: 15_000 }).toBeGreaterThan(0);
  controller.abort(new Error('enough'));
  await expect(opening).rejects.toThrow('enough');
  expect(JSON.stringify(env.log.lines)).toMatch(/certificate|issuer/i);
});
