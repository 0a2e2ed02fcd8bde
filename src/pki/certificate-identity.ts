import { createHash, X509Certificate } from 'node:crypto';
import type { Problem } from '../core/problem.ts';
import type { PeerIdentity } from '../env/network.ts';
import { splitAlternativeNames } from './alternative-names.ts';
import type { Role, SubjectIdentity } from './credentials.ts';
import { parseIdentityUri } from './identity-uri.ts';

/** Why a certificate does not prove what is asked of it. */
export type CertificateRefusal =
  | 'missing'
  | 'malformed'
  | 'foreignAuthority'
  | 'notYetValid'
  | 'expired'
  | 'noIdentity'
  | 'otherCluster'
  | 'otherRole';

export type CertificateCheck =
  | { readonly kind: 'ok'; readonly identity: PeerIdentity }
  | {
      readonly kind: 'refused';
      readonly because: CertificateRefusal;
      readonly detail: string;
      /** Whom it names, where the authority vouches for that. */
      readonly identity: PeerIdentity | null;
    };

export interface CertificateExpectation {
  /** ISO wall clock to judge validity by. */
  readonly nowIso: string;
  readonly clusterId?: string;
  readonly role?: Role;
}

/** SHA-256 of a certificate's DER, lower-case hex. */
export function fingerprintOf(certificateDer: Uint8Array): string {
  return createHash('sha256').update(certificateDer).digest('hex');
}

/**
 * Whom a peer's leaf certificate names. It must be signed by one of the authorities (there are no
 * intermediate ones), be valid now and carry exactly one identity URI. That the peer holds its
 * private key is the TLS handshake's part.
 */
export function identityOfCertificate(
  certificateDer: Uint8Array,
  authorityDers: readonly Uint8Array[],
  expect: CertificateExpectation,
): CertificateCheck {
  const certificate = parse(certificateDer);
  if (certificate === null) return refused('malformed', 'it is not an X.509 certificate');
  if (!authorityDers.some((authority) => isIssuedBy(certificate, parse(authority)))) {
    return refused('foreignAuthority', 'it was not issued by the authority of this cluster');
  }
  const named = subjectOf(certificate);
  if (named === null) return refused('noIdentity', 'it names no identity of a Kennel process');
  const identity = { ...named, fingerprint: fingerprintOf(certificateDer) };
  return misfit(certificate, named, expect, identity) ?? { kind: 'ok', identity };
}

function misfit(
  certificate: X509Certificate,
  named: SubjectIdentity,
  expect: CertificateExpectation,
  identity: PeerIdentity,
): CertificateCheck | null {
  const who = `${named.role} ${named.name}`;
  const { nowIso } = expect;
  // Both are UTC in one fixed format, so their order as text is their order in time.
  const [notBefore, notAfter] = [
    isoTime(certificate.validFromDate),
    isoTime(certificate.validToDate),
  ];
  if (nowIso < notBefore) {
    return refused(
      'notYetValid',
      `that of ${who} is valid from ${notBefore}, here it is ${nowIso}`,
      identity,
    );
  }
  if (nowIso > notAfter) {
    return refused(
      'expired',
      `that of ${who} expired at ${notAfter}, here it is ${nowIso}`,
      identity,
    );
  }
  if (expect.clusterId !== undefined && named.clusterId !== expect.clusterId) {
    return refused(
      'otherCluster',
      `that of ${who} is for cluster ${named.clusterId}, not ${expect.clusterId}`,
      identity,
    );
  }
  if (expect.role !== undefined && named.role !== expect.role) {
    return refused(
      'otherRole',
      `it is that of ${who}, where the role ${expect.role} is needed`,
      identity,
    );
  }
  return null;
}

function refused(
  because: CertificateRefusal,
  detail: string,
  identity: PeerIdentity | null = null,
): CertificateCheck {
  return { kind: 'refused', because, detail, identity };
}

function parse(der: Uint8Array): X509Certificate | null {
  try {
    return new X509Certificate(der);
  } catch {
    return null;
  }
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate | null): boolean {
  if (authority === null || !authority.ca || certificate.ca) return false;
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function subjectOf(certificate: X509Certificate): SubjectIdentity | null {
  const names = splitAlternativeNames(certificate.subjectAltName ?? '');
  const uris = names?.filter((name) => name.type === 'URI') ?? [];
  const [only] = uris;
  return only !== undefined && uris.length === 1 ? parseIdentityUri(only.value) : null;
}

const isoTime = (date: Date): string => date.toISOString();

/** Validity of a certificate, ISO UTC; for early warnings. Null when it cannot be read. */
export function validityOf(
  certificateDer: Uint8Array,
): { readonly notBefore: string; readonly notAfter: string } | null {
  const certificate = parse(certificateDer);
  if (certificate === null) return null;
  return {
    notBefore: isoTime(certificate.validFromDate),
    notAfter: isoTime(certificate.validToDate),
  };
}

/** A refusal in the words of the interface. `whose` reads like "the manager at 10.0.0.1:7443". */
export function certificateProblem(
  whose: string,
  refusal: { readonly because: CertificateRefusal; readonly detail: string },
): Problem {
  return {
    code: 'E_CERTIFICATE',
    what: `the certificate of ${whose} is not accepted`,
    because: refusal.detail,
    so: 'nothing was asked and nothing was changed',
    try: steps[refusal.because],
  };
}

const check = 'check the address, and which file of credentials is used';

const steps: Readonly<Record<CertificateRefusal, readonly string[]>> = {
  missing: ['give the credentials of an administrator: --config FILE'],
  malformed: [check],
  foreignAuthority: [check],
  notYetValid: ['correct the clock of the machine that is behind: date -u'],
  expired: ['get a new one with a fresh token: kennel agent join', 'compare the clocks: date -u'],
  noIdentity: [check],
  otherCluster: [check],
  otherRole: [check],
};
