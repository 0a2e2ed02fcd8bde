import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  randomBytes,
} from 'node:crypto';
import { z } from 'zod';
import { ok, problem, type Outcome } from '../core/problem.ts';
import { DiskError, type Disk } from '../env/disk.ts';

/** One AES-256 key of the cluster. The id is public and stands in front of what it sealed. */
export interface ClusterKey {
  readonly id: string;
  /** 32 bytes, base64. */
  readonly key: string;
}

/**
 * The keys under which secrets lie in the store. Every manager holds them in its data directory, and
 * they are never in the store themselves. The first one seals; all of them open.
 */
export type ClusterKeys = readonly [ClusterKey, ...ClusterKey[]];

const form = /^ks1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]+)$/;
const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

const clusterKeySchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  key: z.base64().length(44),
});

const clusterKeysSchema = z
  .array(clusterKeySchema)
  .min(1)
  .max(16)
  .transform((keys) => keys as unknown as ClusterKeys);

export function makeClusterKey(): ClusterKey {
  return { id: randomBytes(4).toString('hex'), key: randomBytes(32).toString('base64') };
}

/** A sealed text that cannot be opened here. Says nothing of the text or the keys. */
export class SecretUnreadable extends Error {
  constructor(storeKey: string, because: string) {
    super(`the secret under ${storeKey} cannot be opened: ${because}`);
    this.name = 'SecretUnreadable';
  }
}

/**
 * Seals texts for the store: AES-256-GCM, with the store key as associated data, so that a value
 * moved to another key opens nowhere. Form: `ks1.<key id>.<iv>.<ciphertext and tag>`.
 */
export class SecretBox {
  readonly #keys: ClusterKeys;
  readonly #uuid: () => string;

  /** `uuid`: fresh random UUIDs, from the environment. */
  constructor(keys: ClusterKeys, uuid: () => string) {
    this.#keys = keys;
    this.#uuid = uuid;
  }

  seal(storeKey: string, text: string): string {
    const [{ id, key }] = this.#keys;
    // 122 random bits, hashed down to the 96 that GCM takes: no two alike under one key.
    const iv = createHash('sha256').update(this.#uuid()).digest().subarray(0, ivBytes);
    const cipher = createCipheriv(algorithm, keyOf(key), iv);
    cipher.setAAD(Buffer.from(storeKey, 'utf8'));
    const body = [cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `ks1.${id}.${iv.toString('base64url')}.${Buffer.concat(body).toString('base64url')}`;
  }

  /** Throws `SecretUnreadable`. */
  open(storeKey: string, sealed: string): string {
    const [, id, iv, body] = form.exec(sealed) ?? [];
    if (id === undefined || iv === undefined || body === undefined) {
      throw new SecretUnreadable(storeKey, 'it is not a sealed secret');
    }
    const known = this.#keys.find((key) => key.id === id);
    if (known === undefined) throw new SecretUnreadable(storeKey, `no key ${id} is here`);
    const bytes = Buffer.from(body, 'base64url');
    if (bytes.length < tagBytes) throw new SecretUnreadable(storeKey, 'it is cut off');
    const decipher = createDecipheriv(algorithm, keyOf(known.key), Buffer.from(iv, 'base64url'));
    decipher.setAAD(Buffer.from(storeKey, 'utf8'));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    try {
      const text = [decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()];
      return Buffer.concat(text).toString('utf8');
    } catch {
      throw new SecretUnreadable(storeKey, 'it was changed, or belongs to another place');
    }
  }

  /** True when it was sealed under a key that does not seal any more. */
  isStale(sealed: string): boolean {
    return form.exec(sealed)?.[1] !== this.#keys[0].id;
  }
}

/** Keys as another manager told them; null when they are none. */
export function parseClusterKeys(told: unknown): ClusterKeys | null {
  const parsed = clusterKeysSchema.safeParse(told);
  return parsed.success ? parsed.data : null;
}

/** Throws `DiskError`. */
export async function saveClusterKeys(disk: Disk, path: string, keys: ClusterKeys): Promise<void> {
  const text = `${JSON.stringify(keys, null, 1)}\n`;
  await disk.replace(path, Buffer.from(text, 'utf8'), { mode: 0o600 });
}

/** E_DATA_DIRECTORY when the file is missing or not what `saveClusterKeys` wrote. */
export async function loadClusterKeys(disk: Disk, path: string): Promise<Outcome<ClusterKeys>> {
  try {
    const bytes = await disk.read(path);
    if (bytes === null) return unusable(path, 'there is no such file');
    const keys = parseClusterKeys(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return keys === null ? unusable(path, 'it does not hold keys') : ok(keys);
  } catch (error) {
    if (error instanceof DiskError) return unusable(path, `${error.code}: ${error.message}`);
    // The parser's own words may quote the file.
    return unusable(path, 'it does not hold keys');
  }
}

function keyOf(base64: string) {
  return createSecretKey(Buffer.from(base64, 'base64'));
}

function unusable(path: string, because: string): Outcome<never> {
  return problem({
    code: 'E_DATA_DIRECTORY',
    what: `the cluster keys in ${path} cannot be used`,
    because,
    so: 'this manager could not read the credentials of fence devices, and does not start',
    try: ['copy the file from another manager, mode 0600', 'join again: kennel manager join'],
  });
}
