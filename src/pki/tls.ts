import type { SecureContextOptions, Server, TLSSocket } from 'node:tls';
import type { Log } from '../env/log.ts';
import {
  identityOfCertificate,
  type CertificateCheck,
  type CertificateExpectation,
} from './certificate-identity.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { certificatesOfPem } from './pem.ts';

/**
 * TLS settings of both sides of every connection. The authority is sent along with the leaf, so
 * that a joining node can compare it with the fingerprint in its token.
 */
export function secureContextOptions(credentials: Credentials): SecureContextOptions {
  return {
    key: credentials.keyPem,
    cert: credentials.certificatePem + credentials.caPem,
    ca: credentials.caPem,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  };
}

/**
 * Who is at the other end of a finished handshake. Both OpenSSL's verdict on the chain and our own
 * on chain, time, cluster and role must be good. The library is told not to end connections by
 * itself (`rejectUnauthorized: false`) only because it would hide the reason from the other side.
 */
export function peerOfSocket(
  socket: TLSSocket,
  credentials: Credentials,
  expect: Omit<CertificateExpectation, 'clusterId'>,
): CertificateCheck {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return { kind: 'refused', because: 'missing', detail: 'none was shown', identity: null };
  }
  const check = identityOfCertificate(certificate.raw, certificatesOfPem(credentials.caPem), {
    ...expect,
    clusterId: credentials.clusterId,
  });
  if (check.kind === 'refused' || socket.authorized) return check;
  const detail = `the chain of certificates does not hold: ${String(socket.authorizationError)}`;
  return { kind: 'refused', because: 'foreignAuthority', detail, identity: null };
}

/**
 * Makes a TLS server take up renewed credentials with the next connection. Credentials that cannot
 * be used are reported, and the ones before stay in use: a bad file must not end a running server.
 */
export function followCredentials(server: Server, source: CredentialSource, log: Log): void {
  let current = source();
  server.prependListener('connection', () => {
    try {
      const next = source();
      if (sameCredentials(next, current)) return;
      server.setSecureContext(secureContextOptions(next));
      current = next;
    } catch (error) {
      log.warn({ err: error }, 'renewed credentials cannot be used, the old ones stay in use');
    }
  });
}

const sameCredentials = (a: Credentials, b: Credentials): boolean =>
  a === b ||
  (a.certificatePem === b.certificatePem && a.keyPem === b.keyPem && a.caPem === b.caPem);
