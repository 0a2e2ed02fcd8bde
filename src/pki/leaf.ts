import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import { ok, problem, type Outcome } from '../core/problem.ts';
import { backdateMs, dayMs } from './authority.ts';
import { fingerprintOf } from './certificate-identity.ts';
import type { CertificateAuthority, Credentials, SubjectIdentity } from './credentials.ts';
import { formatIdentityUri } from './identity-uri.ts';
import { generateKeyPair, importSigningKey } from './key-pair.ts';
import { keyAlgorithm, loadX509, momentOf } from './x509-library.ts';

const leafLifetimeMs = 365 * dayMs;

export interface LeafOptions extends SubjectIdentity {
  /** Wall clock, ISO. */
  readonly nowIso: string;
  /** One year by default; cut where the authority itself ends. */
  readonly lifetimeMs?: number;
  /** Further names of a manager, for tools that check host names (browsers, curl). */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
}

/** Makes a key pair and a certificate for it. E_USAGE when the identity is not well formed. */
export async function issueCredentials(
  authority: CertificateAuthority,
  options: LeafOptions,
): Promise<Outcome<Credentials>> {
  const { keys, keyPem } = await generateKeyPair();
  const issued = await issue(authority, keys.publicKey, options);
  if (issued.kind === 'problem') return issued;
  const { clusterId, role, name } = options;
  const { certificatePem } = issued.value;
  return ok({ clusterId, role, name, certificatePem, keyPem, caPem: authority.certificatePem });
}

/**
 * Signs the public key of a PKCS#10 request (PEM). Nothing else of the request is believed: who it
 * is for is decided by the caller. E_CERTIFICATE when the request is damaged, not self-consistent,
 * or not for an EC P-256 key.
 */
export async function issueFromRequest(
  authority: CertificateAuthority,
  requestPem: string,
  options: LeafOptions,
): Promise<Outcome<IssuedCertificate>> {
  const x509 = await loadX509();
  const request = await readRequest(x509, requestPem);
  if (request === null) {
    return problem({
      code: 'E_CERTIFICATE',
      what: `the certificate request of ${options.role} ${options.name} is not accepted`,
      because: 'it is not a PKCS#10 request for an EC P-256 key, signed with that key',
      so: 'no certificate was issued',
      try: ['make a new request: kennel agent join'],
    });
  }
  return issue(authority, request, options);
}

async function readRequest(
  x509: typeof X509,
  requestPem: string,
): Promise<webcrypto.CryptoKey | null> {
  try {
    const request = new x509.Pkcs10CertificateRequest(requestPem);
    const key = createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: 'der',
      type: 'spki',
    });
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return null;
    if (!(await request.verify(webcrypto))) return null;
    return key.toCryptoKey(keyAlgorithm, true, ['verify']);
  } catch {
    return null;
  }
}

async function issue(
  authority: CertificateAuthority,
  publicKey: webcrypto.CryptoKey,
  options: LeafOptions,
): Promise<Outcome<IssuedCertificate>> {
  const uri = formatIdentityUri(options);
  if (uri === null) {
    return problem({
      code: 'E_USAGE',
      what: `no certificate can be made for ${options.role} "${options.name}"`,
      because: 'the name or the cluster id is not well formed',
      so: 'no certificate was issued',
      try: ['use lower-case letters, digits, dots and inner dashes in names'],
    });
  }
  const x509 = await loadX509();
  const nowMs = momentOf(options.nowIso);
  const issuer = new X509Certificate(authority.certificatePem);
  const endMs = Math.min(
    nowMs + (options.lifetimeMs ?? leafLifetimeMs),
    issuer.validToDate.getTime(),
  );
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${options.role} ${options.name}`,
      issuer: new x509.X509Certificate(issuer.raw).subjectName,
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(endMs),
      signingAlgorithm: keyAlgorithm,
      publicKey,
      signingKey: await importSigningKey(authority.keyPem),
      extensions: await leafExtensions(x509, issuer, publicKey, uri, options),
    },
    webcrypto,
  );
  const certificatePem = `${certificate.toString('pem').trim()}\n`;
  return ok({ certificatePem, fingerprint: fingerprintOf(Buffer.from(certificate.rawData)) });
}

async function leafExtensions(
  x509: typeof X509,
  issuer: X509Certificate,
  publicKey: webcrypto.CryptoKey,
  uri: string,
  options: LeafOptions,
): Promise<X509.Extension[]> {
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  // Agents answer probes of other agents, so they are servers too; people's tools never are.
  const purposes = options.role === 'admin' ? [clientAuth] : [serverAuth, clientAuth];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(purposes),
    new x509.SubjectAlternativeNameExtension([
      { type: 'url', value: uri },
      ...(options.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
      ...(options.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ]),
    await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
    await x509.AuthorityKeyIdentifierExtension.create(
      new x509.X509Certificate(issuer.raw),
      false,
      webcrypto,
    ),
  ];
}

/** A new key pair and the PKCS#10 request (PEM) for it. The key never leaves the machine. */
export async function createCertificateRequest(
  commonName: string,
): Promise<{ readonly requestPem: string; readonly keyPem: string }> {
  const x509 = await loadX509();
  const { keys, keyPem } = await generateKeyPair();
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: [{ CN: [commonName] }], keys, signingAlgorithm: keyAlgorithm },
    webcrypto,
  );
  return { requestPem: request.toString('pem'), keyPem };
}
