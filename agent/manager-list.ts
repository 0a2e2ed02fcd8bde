import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { parseHostPort } from '../src/api/schema/host-port.ts';
import type { ManagerList } from '../src/api/schema/session.ts';
import { DiskError } from '../src/env/disk.ts';
import type { Env } from '../src/env/env.ts';

/** The managers of the cluster as a leader last told them. */
export type KnownManagers = Pick<ManagerList, 'clusterId' | 'epoch' | 'version' | 'managers'>;

const fileSchema = z.object({
  clusterId: z.string(),
  epoch: z.int().min(0),
  version: z.int().min(0),
  managers: z.array(z.object({ name: z.string(), address: z.string() })).min(1),
  /** A turned bit in an address would keep the agent from that manager until the list changes. */
  crc: z.int(),
});

const crcOf = ({ clusterId, epoch, version, managers }: KnownManagers): number =>
  crc32(
    JSON.stringify([clusterId, epoch, version, managers.map((one) => [one.name, one.address])]),
  );

/**
 * The list of managers on disk. It only says whom to dial: what a manager may do rests on its
 * certificate, and what a leader may do on its epoch. So a lost file costs nothing but the addresses
 * that the configuration does not have.
 */
export class ManagerListFile {
  readonly #env: Env;
  readonly #path: string;
  #known: KnownManagers | null;
  #writing: Promise<void> = Promise.resolve();

  private constructor(env: Env, path: string, known: KnownManagers | null) {
    this.#env = env;
    this.#path = path;
    this.#known = known;
  }

  static async read(env: Env, path: string, clusterId: string): Promise<ManagerListFile> {
    return new ManagerListFile(env, path, await readList(env, path, clusterId));
  }

  get known(): KnownManagers | null {
    return this.#known;
  }

  /**
   * Takes a list unless a newer one is known, and says whether it did. A list of a newer epoch goes
   * first whatever its version: a restored store counts on from an older one (FAILURES M7).
   */
  take(list: KnownManagers): boolean {
    const known = this.#known;
    const isOlder =
      known !== null &&
      (list.epoch < known.epoch || (list.epoch === known.epoch && list.version <= known.version));
    if (isOlder || list.managers.some((one) => parseHostPort(one.address).kind === 'invalid')) {
      return false;
    }
    const { clusterId, epoch, version, managers } = list;
    this.#known = { clusterId, epoch, version, managers };
    this.#writing = this.#writing.then(() => this.#write());
    return true;
  }

  /** Waits for the write that is under way. */
  close(): Promise<void> {
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#known === null) return;
    const text = `${JSON.stringify({ ...this.#known, crc: crcOf(this.#known) }, null, 1)}\n`;
    try {
      const bytes = new TextEncoder().encode(text);
      await this.#env.disk.replace(this.#path, bytes, { mode: 0o600 });
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#env.log.warn({ path: this.#path, err: error.message }, 'managers cannot be noted');
    }
  }
}

async function readList(env: Env, path: string, clusterId: string): Promise<KnownManagers | null> {
  try {
    const bytes = await env.disk.read(path);
    if (bytes === null) return null;
    const parsed = fileSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (parsed.success && parsed.data.clusterId === clusterId) {
      const { crc, ...list } = parsed.data;
      if (crc === crcOf(list)) return list;
    }
    env.log.warn({ path }, 'the list of managers is not of this cluster, or not readable');
  } catch (error) {
    env.log.warn({ path, err: error }, 'the list of managers cannot be read');
  }
  return null;
}
