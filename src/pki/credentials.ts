import type { PeerIdentity } from '../env/network.ts';

export type Role = PeerIdentity['role'];

/** Whom a certificate names, without the certificate itself. */
export interface SubjectIdentity {
  readonly clusterId: string;
  readonly role: Role;
  readonly name: string;
}

/** What one process proves its identity with. All PEM; the key is PKCS#8. */
export interface Credentials extends SubjectIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Every authority that is trusted: one, or two while an old one is being replaced. */
  readonly caPem: string;
}

/** The cluster's certificate authority with its private key. Lives on managers only. */
export interface CertificateAuthority {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Where the current credentials come from; asked again for every connection, so they can rotate. */
export type CredentialSource = () => Credentials;
