import { webcrypto } from 'node:crypto';
import type { CertificateAuthority } from './credentials.ts';
import { generateKeyPair } from './key-pair.ts';
import { keyAlgorithm, loadX509, momentOf } from './x509-library.ts';

export const dayMs = 24 * 3600_000;
const authorityLifetimeMs = 3652 * dayMs;

/** Certificates begin this long before they are made, so that clocks need no agreement (C1). */
export const backdateMs = 24 * 3600_000;

/**
 * Makes the certificate authority of a cluster: a self-signed EC P-256 certificate that may sign
 * leaves and nothing below them. `nowIso` is the wall clock, `lifetimeMs` 10 years by default.
 */
export async function createAuthority(options: {
  readonly clusterId: string;
  readonly nowIso: string;
  readonly lifetimeMs?: number;
}): Promise<CertificateAuthority> {
  const x509 = await loadX509();
  const { keys, keyPem } = await generateKeyPair();
  const nowMs = momentOf(options.nowIso);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=Kennel cluster ${options.clusterId}`,
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(nowMs + (options.lifetimeMs ?? authorityLifetimeMs)),
      signingAlgorithm: keyAlgorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificatePem: `${certificate.toString('pem').trim()}\n`, keyPem };
}
