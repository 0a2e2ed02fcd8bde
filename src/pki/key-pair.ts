import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { keyAlgorithm } from './x509-library.ts';

export interface NewKeyPair {
  readonly keys: webcrypto.CryptoKeyPair;
  /** PKCS#8, PEM. */
  readonly keyPem: string;
}

export async function generateKeyPair(): Promise<NewKeyPair> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return { keys, keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

/** A private key for signing. Throws when the text is not an EC P-256 key. */
export async function importSigningKey(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(keyPem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, keyAlgorithm, false, ['sign']);
}

/** True when the certificate's public key (SPKI, DER) belongs to the private key. */
export function isKeyOf(keyPem: string, publicKeyDer: Uint8Array): boolean {
  const derived = createPublicKey(createPrivateKey(keyPem)).export({ format: 'der', type: 'spki' });
  return derived.equals(publicKeyDer);
}
