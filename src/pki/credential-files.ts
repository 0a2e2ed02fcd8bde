import { X509Certificate } from 'node:crypto';
import { ok, problem, type Outcome } from '../core/problem.ts';
import { DiskError, type Disk } from '../env/disk.ts';
import { certificateProblem, identityOfCertificate } from './certificate-identity.ts';
import type { CertificateAuthority, Credentials } from './credentials.ts';
import { isKeyOf } from './key-pair.ts';
import { pemBlocks, type PemBlock } from './pem.ts';

const mode = 0o600;

/**
 * Writes credentials as one PEM file: key, certificate, then the trusted authorities. One file, so
 * that key and certificate can never be of different ages. Throws `DiskError`.
 */
export async function saveCredentials(
  disk: Disk,
  path: string,
  credentials: Credentials,
): Promise<void> {
  const text = credentials.keyPem + credentials.certificatePem + credentials.caPem;
  await disk.replace(path, Buffer.from(text, 'utf8'), { mode });
}

/** As `saveCredentials`, for the authority: key and certificate. Throws `DiskError`. */
export async function saveAuthority(
  disk: Disk,
  path: string,
  authority: CertificateAuthority,
): Promise<void> {
  const text = authority.keyPem + authority.certificatePem;
  await disk.replace(path, Buffer.from(text, 'utf8'), { mode });
}

/**
 * Reads what `saveCredentials` wrote. E_DATA_DIRECTORY when the file is not there or cannot be
 * read, E_CERTIFICATE when its parts do not belong together or it is not valid at `nowIso`.
 */
export async function loadCredentials(
  disk: Disk,
  path: string,
  nowIso: string,
): Promise<Outcome<Credentials>> {
  const blocks = await readBlocks(disk, path);
  return blocks.kind === 'problem' ? blocks : credentialsOf(blocks.value, path, nowIso);
}

/**
 * Credentials from PEM texts that were kept apart. `where` names them in problems, which are those
 * of `loadCredentials`.
 */
export function credentialsOfParts(
  parts: { readonly keyPem: string; readonly certificatePem: string; readonly caPem: string },
  where: string,
  nowIso: string,
): Outcome<Credentials> {
  const [key] = pemBlocks(parts.keyPem).filter(isKey);
  const [leaf] = pemBlocks(parts.certificatePem).filter(isCertificate);
  const authorities = pemBlocks(parts.caPem).filter(isCertificate);
  const blocks = [key, leaf, ...authorities].filter((block) => block !== undefined);
  return credentialsOf(blocks, where, nowIso);
}

const isKey = (block: PemBlock): boolean => block.label.endsWith('PRIVATE KEY');
const isCertificate = (block: PemBlock): boolean => block.label === 'CERTIFICATE';

/** From a key, its certificate and then the authorities. */
function credentialsOf(
  blocks: readonly PemBlock[],
  where: string,
  nowIso: string,
): Outcome<Credentials> {
  const key = blocks.find(isKey);
  const [leaf, ...authorities] = blocks.filter(isCertificate);
  if (key === undefined || leaf === undefined || authorities.length === 0) {
    return damaged(where, 'a key, its certificate and the authority are not all there');
  }
  const ders = authorities.map((part) => part.der);
  const check = identityOfCertificate(leaf.der, ders, { nowIso });
  if (check.kind === 'refused') return problem(certificateProblem(where, check));
  if (!belongs(key, leaf)) return damaged(where, 'the key is not that of the certificate');
  const { clusterId, role, name } = check.identity;
  const caPem = authorities.map((part) => part.pem).join('');
  return ok({ clusterId, role, name, certificatePem: leaf.pem, keyPem: key.pem, caPem });
}

/** Reads what `saveAuthority` wrote; problems as `loadCredentials`. */
export async function loadAuthority(
  disk: Disk,
  path: string,
): Promise<Outcome<CertificateAuthority>> {
  const blocks = await readBlocks(disk, path);
  if (blocks.kind === 'problem') return blocks;
  const key = blocks.value.find(isKey);
  const certificate = blocks.value.find(isCertificate);
  if (key === undefined || certificate === undefined || !belongs(key, certificate)) {
    return damaged(path, 'it does not hold the key and the certificate of an authority');
  }
  return ok({ keyPem: key.pem, certificatePem: certificate.pem });
}

function belongs(key: PemBlock, certificate: PemBlock): boolean {
  try {
    const { publicKey } = new X509Certificate(certificate.der);
    return isKeyOf(key.pem, publicKey.export({ format: 'der', type: 'spki' }));
  } catch {
    return false;
  }
}

async function readBlocks(disk: Disk, path: string): Promise<Outcome<readonly PemBlock[]>> {
  try {
    const bytes = await disk.read(path);
    if (bytes !== null) return ok(pemBlocks(Buffer.from(bytes).toString('utf8')));
    return unreadable(path, 'there is no such file');
  } catch (error) {
    if (error instanceof DiskError) return unreadable(path, `${error.code}: ${error.message}`);
    throw error;
  }
}

function unreadable(path: string, because: string): Outcome<never> {
  return problem({
    code: 'E_DATA_DIRECTORY',
    what: `cannot read the credentials in ${path}`,
    because,
    so: 'this process cannot prove who it is',
    try: ['run as the user that owns the file', 'make it: kennel init, or kennel agent join'],
  });
}

function damaged(path: string, because: string): Outcome<never> {
  return problem({
    code: 'E_CERTIFICATE',
    what: `the credentials in ${path} are not usable`,
    because,
    so: 'this process cannot prove who it is',
    try: ['restore the file from a copy', 'join again with a fresh token: kennel agent join'],
  });
}
