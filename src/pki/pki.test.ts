import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../core/problem.ts';
import { createAuthority, dayMs } from './authority.ts';
import { fingerprintOf, identityOfCertificate, validityOf } from './certificate-identity.ts';
import type { CertificateAuthority, Credentials, Role } from './credentials.ts';
import { createCertificateRequest, issueCredentials, issueFromRequest } from './leaf.ts';
import { certificatesOfPem, derOfPem } from './pem.ts';

const clusterId = '6a1f0c9e-0d5b-4b8e-9d2f-0f6f3a8b7c11';
const otherId = '11111111-2222-4333-8444-555555555555';
const nowIso = '2026-11-22T12:00:00.000Z';
const later = (ms: number): string => new Date(Date.parse(nowIso) + ms).toISOString();

let authority: CertificateAuthority;
let foreign: CertificateAuthority;
beforeAll(async () => {
  authority = await createAuthority({ clusterId, nowIso });
  foreign = await createAuthority({ clusterId: otherId, nowIso });
});

function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'problem') throw new Error(outcome.problem.what);
  return outcome.value;
}

async function credentialsOf(
  role: Role,
  by: CertificateAuthority = authority,
): Promise<Credentials> {
  return valueOf(await issueCredentials(by, { clusterId, role, name: 'node-1', nowIso }));
}

function check(pem: string, expected: Parameters<typeof identityOfCertificate>[2]) {
  return identityOfCertificate(
    derOfPem(pem),
    certificatesOfPem(authority.certificatePem),
    expected,
  );
}

test('an issued certificate names its cluster, role and name, and its own fingerprint', async () => {
  for (const role of ['agent', 'manager', 'admin'] as const) {
    const { certificatePem } = await credentialsOf(role);
    expect(check(certificatePem, { nowIso, clusterId, role })).toEqual({
      kind: 'ok',
      identity: {
        clusterId,
        role,
        name: 'node-1',
        fingerprint: fingerprintOf(derOfPem(certificatePem)),
      },
    });
  }
});

test('the fingerprint is the SHA-256 of the certificate in lower-case hex', () => {
  const { fingerprint256 } = new X509Certificate(authority.certificatePem);
  const expected = fingerprint256.replaceAll(':', '').toLowerCase();
  expect(fingerprintOf(derOfPem(authority.certificatePem))).toBe(expected);
});

test('a certificate signed by another authority is refused, even for the same cluster id', async () => {
  const { certificatePem } = await credentialsOf('agent', foreign);
  const lookalike = await createAuthority({ clusterId, nowIso });
  const forged = await credentialsOf('agent', lookalike);
  for (const pem of [certificatePem, forged.certificatePem]) {
    expect(check(pem, { nowIso })).toMatchObject({ because: 'foreignAuthority', identity: null });
  }
});

test('a certificate of another cluster or role is refused with that reason', async () => {
  const { certificatePem } = await credentialsOf('agent');
  expect(check(certificatePem, { nowIso, clusterId: otherId })).toMatchObject({
    kind: 'refused',
    because: 'otherCluster',
  });
  expect(check(certificatePem, { nowIso, role: 'admin' })).toMatchObject({
    kind: 'refused',
    because: 'otherRole',
    detail: 'it is that of agent node-1, where the role admin is needed',
  });
});

test('a leaf is valid for a year and refused after it', async () => {
  const { certificatePem } = await credentialsOf('manager');
  expect(check(certificatePem, { nowIso: later(364 * dayMs) })).toMatchObject({ kind: 'ok' });
  expect(check(certificatePem, { nowIso: later(366 * dayMs) })).toMatchObject({
    because: 'expired',
    identity: { name: 'node-1' },
  });
  expect(check(certificatePem, { nowIso: later(-2 * dayMs) })).toMatchObject({
    because: 'notYetValid',
  });
  expect(validityOf(derOfPem(certificatePem))).toEqual({
    notBefore: later(-dayMs),
    notAfter: later(365 * dayMs),
  });
});

test('C1: a clock that is an hour behind accepts a certificate that was just made', async () => {
  const { certificatePem } = await credentialsOf('agent');
  expect(check(certificatePem, { nowIso: later(-3600_000) })).toMatchObject({ kind: 'ok' });
});

test('a leaf never outlives its authority', async () => {
  const short = await createAuthority({ clusterId, nowIso, lifetimeMs: 10 * dayMs });
  const { certificatePem } = await credentialsOf('agent', short);
  expect(validityOf(derOfPem(certificatePem))?.notAfter).toBe(later(10 * dayMs));
});

test('U6: during an overlap leaves of the old and of the new authority are accepted', async () => {
  const next = await createAuthority({ clusterId, nowIso });
  const trusted = certificatesOfPem(authority.certificatePem + next.certificatePem);
  for (const by of [authority, next]) {
    const { certificatePem } = await credentialsOf('agent', by);
    expect(identityOfCertificate(derOfPem(certificatePem), trusted, { nowIso }).kind).toBe('ok');
  }
});

test('the authority itself proves no identity, and a leaf signs nothing', async () => {
  expect(check(authority.certificatePem, { nowIso })).toMatchObject({
    because: 'foreignAuthority',
  });
  const agent = await credentialsOf('agent');
  const signed = await credentialsOf('admin', agent);
  const chain = certificatesOfPem(agent.certificatePem + authority.certificatePem);
  expect(identityOfCertificate(derOfPem(signed.certificatePem), chain, { nowIso })).toMatchObject({
    because: 'foreignAuthority',
  });
});

test('a certificate that was changed after it was signed is refused', async () => {
  const { certificatePem } = await credentialsOf('agent');
  const der = Buffer.from(derOfPem(certificatePem));
  // One bit of the name inside the identity URI: node-1 becomes node-0.
  const at = der.indexOf('/agent/node-1') + '/agent/node-1'.length - 1;
  der[at] = (der[at] ?? 0) ^ 1;
  const trusted = certificatesOfPem(authority.certificatePem);
  expect(new X509Certificate(der).subjectAltName).toContain('/agent/node-0');
  expect(identityOfCertificate(der, trusted, { nowIso })).toMatchObject({
    because: 'foreignAuthority',
  });
});

test('bytes that are no certificate are malformed', () => {
  const result = identityOfCertificate(Buffer.from('hello'), [], { nowIso });
  expect(result).toMatchObject({ kind: 'refused', because: 'malformed' });
});

test('a request is signed for the identity that the manager decided, not the one it asks for', async () => {
  const { requestPem, keyPem } = await createCertificateRequest('admin everything');
  const issued = valueOf(
    await issueFromRequest(authority, requestPem, {
      clusterId,
      role: 'agent',
      name: 'node-7',
      nowIso,
    }),
  );
  expect(check(issued.certificatePem, { nowIso })).toMatchObject({
    identity: { role: 'agent', name: 'node-7', fingerprint: issued.fingerprint },
  });
  expect(keyPem).toContain('BEGIN PRIVATE KEY');
  expect(new X509Certificate(issued.certificatePem).subject).toBe('CN=agent node-7');
});

test('a damaged request is refused', async () => {
  const { requestPem } = await createCertificateRequest('node-7');
  const bytes = Buffer.from(requestPem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  const damaged = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  for (const pem of ['', 'hello', damaged]) {
    const outcome = await issueFromRequest(authority, pem, {
      clusterId,
      role: 'agent',
      name: 'node-7',
      nowIso,
    });
    expect(outcome).toMatchObject({ kind: 'problem', problem: { code: 'E_CERTIFICATE' } });
  }
});

test('a name that could not be read back gets no certificate', async () => {
  for (const name of ['', 'Node', 'a/b', 'x, URI:kennel://y', '-a', 'a'.repeat(300)]) {
    const outcome = await issueCredentials(authority, { clusterId, role: 'agent', name, nowIso });
    expect(outcome).toMatchObject({ kind: 'problem', problem: { code: 'E_USAGE' } });
  }
});

test('DNS names and addresses of a manager stand beside its identity', async () => {
  const { certificatePem } = valueOf(
    await issueCredentials(authority, {
      clusterId,
      role: 'manager',
      name: 'mgr-1',
      nowIso,
      dnsNames: ['mgr-1.example.org'],
      ipAddresses: ['192.0.2.7', '2001:db8::7'],
    }),
  );
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.checkHost('mgr-1.example.org')).toBe('mgr-1.example.org');
  expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7');
  expect(check(certificatePem, { nowIso })).toMatchObject({ identity: { name: 'mgr-1' } });
});
