import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CreateToken, Join } from '../../api/schema/requests.ts';
import type { Outcome } from '../../core/problem.ts';
import { createAuthority } from '../../pki/authority.ts';
import type { CertificateAuthority } from '../../pki/credentials.ts';
import { createCertificateRequest } from '../../pki/leaf.ts';
import { keys } from '../keys.ts';
import { caller, identityOf, ManagerWorld, type Seed } from '../testing/manager-world.ts';
import { nodeRecord, onlineNode, testCluster } from '../testing/test-objects.ts';

/*
 * Keys and certificates are real work on real threads, so virtual time stands still while a node
 * joins: what is awaited here without `world` needs no time to pass.
 */

let authority: CertificateAuthority;
let certificateRequest: string;

beforeAll(async () => {
  const nowIso = '2026-01-01T00:00:00.000Z';
  authority = await createAuthority({ clusterId: testCluster, nowIso });
  certificateRequest = (await createCertificateRequest('node-1')).requestPem;
});

const valueOf = <T>(outcome: Outcome<T>): T => {
  if (outcome.kind === 'problem') throw new Error(outcome.problem.because);
  return outcome.value;
};

async function joinBench(...seeds: readonly Seed[]) {
  const world = new ManagerWorld();
  if (seeds.length > 0) await world.seed(...seeds);
  const seat = await world.lead('m-1', { authority });
  const { service } = seat.manager;
  const token = async (change: Partial<CreateToken> = {}, who = caller()) =>
    valueOf(await service.createToken({ node: null, ttlMs: 60_000, ...change }, who)).token;
  const join = (given: string, change: Partial<Join> = {}) =>
    service.join({
      token: given,
      node: 'node-1',
      machineId: 'machine-node-1',
      address: '10.0.0.1',
      certificateRequest,
      ...change,
    });
  const stored = () => world.store.machine.list(keys.joinTokens).map((item) => item.value);
  return { world, seat, token, join, stored };
}

describe('a join token', () => {
  test('is kept as a hash only', async () => {
    const it = await joinBench();
    const token = await it.token({ node: 'node-1' });
    const secret = token.split('.')[2] ?? '';
    expect(it.stored()).toHaveLength(1);
    expect(it.stored()[0]).not.toContain(secret);
    expect(JSON.parse(it.stored()[0] ?? '')).toMatchObject({
      role: 'agent',
      name: 'node-1',
      expiresAt: expect.stringMatching(/^2026-01-01T00:01:/),
    });
  });

  test('lets a node in: it gets its certificate and where to go', async () => {
    const it = await joinBench();
    const joined = valueOf(await it.join(await it.token()));
    const certificate = new X509Certificate(joined.certificate);
    expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
    expect(joined).toMatchObject({ clusterId: testCluster, managers: ['m-1:7443'] });
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    expect(it.world.node('node-1')).toMatchObject({
      phase: 'joining',
      machineId: 'machine-node-1',
      address: '10.0.0.1',
      certificateFingerprint: fingerprint,
    });
    const identity = { ...identityOf('agent', 'node-1'), fingerprint };
    const agent = await it.world.agent({ node: 'node-1', identity });
    await it.world.until(() => agent.leases > 0, 5000);
  });

  test('is good once', async () => {
    const it = await joinBench();
    const token = await it.token();
    valueOf(await it.join(token));
    const another = (await createCertificateRequest('node-1')).requestPem;
    expect(await it.join(token, { certificateRequest: another })).toMatchObject({
      problem: { code: 'E_TOKEN_INVALID', because: 'the token is unknown, or was used before' },
    });
  });

  test('gives who asks again with the same key the same certificate, and changes nothing', async () => {
    const it = await joinBench();
    const token = await it.token();
    const first = valueOf(await it.join(token));
    const before = it.world.store.machine.revision;
    expect(valueOf(await it.join(token))).toEqual(first);
    expect(it.world.store.machine.revision).toBe(before);
  });

  test('gives no certificate again that another one has replaced, or whose node is gone', async () => {
    const it = await joinBench();
    const [early, late] = [await it.token(), await it.token()];
    valueOf(await it.join(early));
    const another = (await createCertificateRequest('node-1')).requestPem;
    valueOf(await it.join(late, { certificateRequest: another }));
    expect(await it.join(early)).toMatchObject({ problem: { code: 'E_TOKEN_INVALID' } });
  });

  test('that was used is let go once it is over', async () => {
    const it = await joinBench();
    valueOf(await it.join(await it.token({ ttlMs: 60_000 })));
    await it.world.run(60_001);
    await it.token();
    expect(it.stored()).toHaveLength(1);
  });

  test('is good once also for many at once', async () => {
    const it = await joinBench();
    const token = await it.token();
    const nodes = ['node-1', 'node-2', 'node-3'];
    const all = nodes.map((node) => it.join(token, { node, machineId: `machine-${node}` }));
    const answers = await Promise.all(all);
    expect(answers.filter((answer) => answer.kind === 'ok')).toHaveLength(1);
    expect(it.world.objects('node/')).toHaveLength(1);
  });

  test('is good once also for one who looked at it while another one used it', async () => {
    const it = await joinBench();
    const token = await it.token();
    // The second join's look at the token is answered only after the first join has ended.
    let release: () => void = () => {};
    const firstEnded = new Promise<void>((resolve) => {
      release = resolve;
    });
    const get = it.seat.client.get.bind(it.seat.client);
    let looks = 0;
    it.seat.client.get = async (key) => {
      const answer = await get(key);
      if (key.startsWith(keys.joinTokens)) looks += 1;
      if (looks === 1) return answer;
      await firstEnded;
      return answer;
    };
    const first = it.join(token).finally(release);
    const second = it.join(token, { node: 'node-2', machineId: 'machine-node-2' });
    const kinds = (await Promise.all([first, second])).map((answer) => answer.kind);
    expect(kinds).toEqual(['ok', 'problem']);
    expect(it.world.objects('node/')).toHaveLength(1);
  });

  test('expires', async () => {
    const it = await joinBench();
    const token = await it.token({ ttlMs: 60_000 });
    await it.world.run(60_001);
    expect(await it.join(token)).toMatchObject({ problem: { code: 'E_TOKEN_EXPIRED' } });
    expect(it.world.objects('node/')).toEqual([]);
  });

  test('that expired is let go with the next one that is made', async () => {
    const it = await joinBench();
    const [early, late] = [await it.token({ ttlMs: 60_000 }), await it.token({ ttlMs: 120_000 })];
    await it.world.run(60_001);
    await it.token();
    expect(it.stored()).toHaveLength(2);
    expect(await it.join(early)).toMatchObject({ problem: { code: 'E_TOKEN_INVALID' } });
    valueOf(await it.join(late));
  });

  test('for one node lets no other in', async () => {
    const it = await joinBench();
    const token = await it.token({ node: 'node-2' });
    expect(await it.join(token)).toMatchObject({
      problem: { code: 'E_TOKEN_INVALID', because: 'the token is for node-2' },
    });
    valueOf(await it.join(token, { node: 'node-2' }));
  });

  test('with another secret, cut short, or made up is refused', async () => {
    const it = await joinBench();
    const token = await it.token();
    const [head, id, secret, print] = token.split('.');
    const wrong = [head, id, `${secret?.slice(0, -1)}${secret?.endsWith('A') ? 'B' : 'A'}`, print];
    const unknown = [head, '0'.repeat(16), secret, print];
    for (const given of [wrong.join('.'), unknown.join('.'), token.slice(0, 40), '']) {
      expect(await it.join(given)).toMatchObject({ problem: { code: 'E_TOKEN_INVALID' } });
    }
    valueOf(await it.join(token));
  });

  test('is not used up by a join that was refused', async () => {
    const it = await joinBench(nodeRecord('node-1', { machineId: 'machine-old' }));
    const token = await it.token();
    expect(await it.join(token)).toMatchObject({ problem: { code: 'E_MACHINE_MISMATCH' } });
    expect(await it.join(token, { certificateRequest: 'nonsense' })).toMatchObject({
      problem: { code: 'E_CERTIFICATE' },
    });
    valueOf(await it.join(token, { node: 'node-2' }));
  });

  test('tried only, is not stored', async () => {
    const it = await joinBench();
    const before = it.world.store.machine.revision;
    const token = await it.token({}, caller({ dryRun: true }));
    expect(it.world.store.machine.revision).toBe(before);
    expect(await it.join(token)).toMatchObject({ problem: { code: 'E_TOKEN_INVALID' } });
  });

  test('is not used up when its use cannot be written', async () => {
    const it = await joinBench();
    const token = await it.token();
    it.world.store.setReadOnly('no space left');
    expect(await it.join(token)).toMatchObject({ problem: { code: 'E_STORE_READ_ONLY' } });
    it.world.store.setReadOnly(null);
    valueOf(await it.join(token));
  });

  test('X4: is told once to who asked for it, and stands nowhere else', async () => {
    const it = await joinBench();
    const [token, spent] = [await it.token(), await it.token()];
    const answers = [
      valueOf(await it.join(spent)),
      await it.join(spent),
      await it.join(token, { certificateRequest: 'nonsense' }),
      await it.world.ask(it.seat, (service) => service.status()),
      await it.world.ask(it.seat, (service) => service.events(0, 100)),
    ];
    const told = JSON.stringify([answers, it.world.log.entries(), it.world.store.machine.list('')]);
    for (const secret of [token, spent].map((text) => text.split('.')[2] ?? '')) {
      expect(secret).toHaveLength(43);
      expect(told).not.toContain(secret);
    }
  });
});

describe('a join', () => {
  test('N22: of another machine under the name of a node is refused', async () => {
    const it = await joinBench(onlineNode('node-1'));
    const refused = await it.join(await it.token(), { machineId: 'machine-new' });
    expect(refused).toMatchObject({
      problem: {
        code: 'E_MACHINE_MISMATCH',
        because: 'the name belongs to machine machine-node-1',
        so: 'no certificate was issued',
      },
    });
    expect(it.world.node('node-1').certificateFingerprint).toBe('print-node-1');
  });

  test('N23: of a cloned machine under another name is refused', async () => {
    const it = await joinBench(nodeRecord('node-1'));
    const refused = await it.join(await it.token(), { node: 'node-2' });
    expect(refused).toMatchObject({ problem: { code: 'E_MACHINE_MISMATCH' } });
    expect(it.world.objects('node/')).toHaveLength(1);
  });

  test('X3: anew replaces the certificate, and ends the session that still uses the old one', async () => {
    const it = await joinBench(nodeRecord('node-1'));
    const thief = await it.world.agent({ node: 'node-1' });
    await it.world.until(() => thief.leases > 0);
    valueOf(await it.join(await it.token()));
    await it.world.until(() => thief.closed !== null, 1000);
    expect(thief.byes).toEqual(['this certificate was replaced']);
    expect(it.world.node('node-1')).toMatchObject({ phase: 'online' });
    const again = await it.world.agent({ node: 'node-1' }).catch((error: unknown) => String(error));
    expect(again).toContain('not within');
  });

  test('issues nothing that says more than the name of the node', async () => {
    const it = await joinBench();
    const { requestPem } = await createCertificateRequest('admin');
    const joined = valueOf(await it.join(await it.token(), { certificateRequest: requestPem }));
    const certificate = new X509Certificate(joined.certificate);
    expect(certificate.subjectAltName).toContain('agent/node-1');
    expect(certificate.subject).toBe('CN=agent node-1');
  });
});
