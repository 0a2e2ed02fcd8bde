import type { Disk } from '../../env/disk.ts';
import { isFull, syncDirectory, syncFile } from '../log/log-error.ts';
import { leaderKey } from '../leadership-key.ts';
import type { Transaction } from '../store.ts';

const reservedPrefixes = ['fence/', 'failover/', 'node/'];
const chunkBytes = 64 * 1024;

/**
 * True for writes that a full disk must not stop: leadership, and every transaction that moves a
 * fence operation, a failover or a node on, with the events and permits that belong to it.
 */
export function mayUseReserve(transaction: Transaction): boolean {
  return transaction.then.some(
    ({ key }) => key === leaderKey || reservedPrefixes.some((prefix) => key.startsWith(prefix)),
  );
}

/**
 * A file that does nothing but hold space. When the disk is full it is removed, and what it held is
 * for fence intents and proofs; the store is read-only until it could be made again (M8). Not safe
 * to use while the log writes: both would fight for the last bytes.
 */
export class SpaceGuard {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #path: string;
  readonly #reserveBytes: number;
  #held = false;

  constructor(disk: Disk, directory: string, reserveBytes: number) {
    this.#disk = disk;
    this.#directory = directory;
    this.#path = `${directory}/reserve`;
    this.#reserveBytes = reserveBytes;
  }

  /** Why the store takes no ordinary writes, or null. */
  get readOnly(): string | null {
    return this.#held ? null : `no space left in ${this.#directory}`;
  }

  /** Gives the reserved space free. False when it was used already. Throws what the disk throws. */
  async release(): Promise<boolean> {
    if (!this.#held) return false;
    this.#held = false;
    await this.#disk.remove(this.#path);
    // The file system hands the blocks out again only after this.
    await syncDirectory(this.#disk, this.#directory);
    return true;
  }

  /** Takes the space back if it is there. Says whether it is held now. */
  async refill(): Promise<boolean> {
    if (this.#held) return true;
    const present = await this.#presentBytes();
    if (present !== this.#reserveBytes) {
      if (!(await this.#make())) return false;
    }
    this.#held = true;
    return true;
  }

  async #presentBytes(): Promise<number | null> {
    const names = await this.#disk.list(this.#directory);
    if (!names.includes('reserve')) return null;
    const file = await this.#disk.open(this.#path, { create: false });
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  }

  async #make(): Promise<boolean> {
    const temporary = `${this.#path}.tmp`;
    try {
      await this.#fill(temporary);
      await this.#disk.rename(temporary, this.#path);
      await syncDirectory(this.#disk, this.#directory);
      return true;
    } catch (error) {
      await this.#disk.remove(temporary).catch(() => undefined);
      if (isFull(error)) return false;
      throw error;
    }
  }

  async #fill(path: string): Promise<void> {
    const file = await this.#disk.open(path, { create: true });
    try {
      await file.truncate(0);
      // Twice the size must fit: with the reserve alone the next write would find the disk full.
      const wanted = this.#reserveBytes * 2;
      for (let at = 0; at < wanted; at += chunkBytes) {
        await file.write(at, new Uint8Array(Math.min(chunkBytes, wanted - at)));
      }
      await syncFile(file);
      await file.truncate(this.#reserveBytes);
      await syncFile(file);
    } finally {
      await file.close();
    }
  }
}
