import type { Dial } from './byte-stream.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import type { LinkOptions } from './link.ts';
import type { MigrationTransport } from './migration.ts';

/** Deadlines per call, in ms. */
export interface LibvirtDeadlines {
  readonly readMs: number;
  /** Changes that need no QEMU: define, undefine, metadata, autostart. */
  readonly changeMs: number;
  readonly startMs: number;
  /**
   * Longest time from the call of `start` until the boot command leaves this process. The caller
   * checked its lease when it called; a boot that was held up longer is not asked for any more.
   */
  readonly bootWithinMs: number;
  /** libvirt asks a guest agent first and waits 5 s for it. */
  readonly shutdownMs: number;
  /** libvirt needs 10 s to kill a QEMU that hangs. */
  readonly destroyMs: number;
  /** A guest's whole memory is written to a disk, or read from it. */
  readonly snapshotMs: number;
  /** Longer than any migration is let run; its own deadline is the manager's. */
  readonly migrateMs: number;
}

export interface LibvirtHypervisorOptions {
  readonly env: LibvirtEnv;
  readonly dial: Dial;
  readonly deadlines?: Partial<LibvirtDeadlines>;
  readonly link?: Partial<LinkOptions>;
  /** Longest time that a permit is told from memory without an announced change. */
  readonly permitMaxAgeMs?: number;
  /** How this libvirtd reaches those of other nodes. Default `tls`. */
  readonly migrateOver?: MigrationTransport;
}

export const defaultDeadlines: LibvirtDeadlines = {
  readMs: 3000,
  changeMs: 10_000,
  startMs: 60_000,
  bootWithinMs: 5000,
  shutdownMs: 10_000,
  destroyMs: 30_000,
  snapshotMs: 30 * 60_000,
  migrateMs: 24 * 3_600_000,
};
