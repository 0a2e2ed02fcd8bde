import type { VmId } from '../src/core/model/ids.ts';
import type { MigrationLimits } from '../src/core/model/move.ts';
import type { NodeCapacity } from '../src/core/model/node.ts';
import type { Permit } from '../src/core/model/permit.ts';
import type { VmSpec } from '../src/core/model/vm.ts';
import type { ActionVerb } from '../src/core/model/vm-action.ts';
import type { SnapshotVerb } from '../src/core/model/vm-snapshot.ts';

/**
 * A call's end. `ambiguous` (deadline, connection lost): the step under way may still take effect,
 * but no further step of the call is begun after the answer. Read the state.
 */
export type HypervisorResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'ambiguous'; readonly message: string };

/**
 * What the hypervisor says of one domain, never what it was told.
 * `active` is true exactly while a process may write to the disks.
 */
export interface HypervisorDomain {
  readonly vm: VmId;
  readonly name: string;
  readonly active: boolean;
  readonly state: 'running' | 'paused' | 'shuttingDown' | 'shutOff' | 'crashed' | 'other';
  /** Hypervisor's own word for why, for example `ioError`, `destroyed`, `crashed`, `shutdown`. */
  readonly reason: string;
  /** The permit in the domain's metadata. It may name another node or incarnation. */
  readonly permit: Permit | null;
  readonly persistent: boolean;
}

/** A live migration as its source is told of it. */
export interface MigrationRequest {
  readonly vm: VmId;
  /** Carried by the copy. */
  readonly permit: Permit;
  /** Host name or address of the node that takes it. */
  readonly address: string;
  readonly limits: MigrationLimits;
}

/** How far a migration is. */
export interface MigrationProgress {
  readonly totalBytes: number;
  readonly remainingBytes: number;
  readonly elapsedMs: number;
}

export interface SnapshotOrder {
  readonly verb: SnapshotVerb;
  readonly name: string;
}

/** What of a guest is looked into. `force` takes a console from whoever has it open. */
export type GuestStreamRequest =
  | { readonly kind: 'console'; readonly force: boolean }
  | { readonly kind: 'screenshot' };

/** Told what comes out of a guest, from before the stream is opened. */
export interface GuestStreamEvents {
  onData(bytes: Uint8Array): void;
  /** Called once; null = it came to its end in order. Not called after `close`. */
  onEnd(because: string | null): void;
}

export interface GuestStream {
  /** Media type of what comes; null = bytes of a terminal. */
  readonly mime: string | null;
  /** Into the guest's serial port. */
  write(bytes: Uint8Array): void;
  close(): void;
}

/**
 * The agent's only way to VMs: libvirt in production, simulated in the simulator. Every call has a
 * deadline of its own and never blocks the event loop.
 */
export interface DomainUsage {
  readonly vm: VmId;
  /** CPUs kept busy, on average. */
  readonly cpus: number;
  /** Host memory that it holds. */
  readonly memoryMiB: number;
}

export interface Hypervisor {
  readonly kind: 'libvirt' | 'simulated' | 'process';
  /** Connects and keeps reconnecting until `close`. Returns at once. */
  open(): void;
  close(): Promise<void>;
  /** False while the management daemon hangs or is gone; VMs may well run on. */
  connected(): boolean;
  /** Called on any sign that a domain or the connection changed. A hint: list again. */
  onChange(listener: () => void): void;
  list(): Promise<HypervisorResult<readonly HypervisorDomain[]>>;
  capacity(): Promise<HypervisorResult<NodeCapacity & { readonly version: string }>>;
  /** What active domains used since it was asked last; none = it cannot tell. Never waits for a guest. */
  usage(): Promise<HypervisorResult<readonly DomainUsage[]>>;
  /**
   * Defines the domain with the permit in its metadata, autostart off, drops any saved state, and
   * boots it. Ok when it is already active with this very permit. `mayBoot` is asked in the turn in
   * which the boot command itself leaves; false ends the call as failed `startTooLate`.
   */
  start(spec: VmSpec, permit: Permit, mayBoot: () => boolean): Promise<HypervisorResult<void>>;
  /** Asks the guest to shut down. Ok means asked, not done. */
  shutdown(vm: VmId): Promise<HypervisorResult<void>>;
  /** Cuts its power. Ok also when it is absent or already off. */
  destroy(vm: VmId): Promise<HypervisorResult<void>>;
  /**
   * Forgets an inactive domain with its saved state. Ok also when it is absent. After ok no start
   * that was asked for earlier can take effect any more.
   */
  undefine(vm: VmId): Promise<HypervisorResult<void>>;
  /** Writes the permit into the live and the stored metadata and switches autostart off. */
  setPermit(permit: Permit): Promise<HypervisorResult<void>>;
  /**
   * A copy of the VM may be made here from now on. Asked after whatever is left of it was forgotten, and
   * before the answer that lets its source begin.
   */
  expectCopy(vm: VmId): Promise<HypervisorResult<void>>;
  /**
   * Copies a running VM to another node. Ok: the copy is whole and stands still there, with the permit
   * in its metadata, and here the domain is off for the reason `migrated`, its definition kept. Any other
   * end says nothing of either side: look. `mayGo` is asked in the turn in which the command leaves.
   */
  migrate(request: MigrationRequest, mayGo: () => boolean): Promise<HypervisorResult<void>>;
  /** Asks to stop the migration of a VM. Ok means asked; ok also when there is none. */
  abortMigration(vm: VmId): Promise<HypervisorResult<void>>;
  /** The migration that leaves here with the VM; null = none does. */
  migration(vm: VmId): Promise<HypervisorResult<MigrationProgress | null>>;
  /** Lets a VM go on that stands still. Ok also when it runs. */
  resume(vm: VmId): Promise<HypervisorResult<void>>;
  /**
   * Asks the guest agent whether it is there. failed: it does not answer within the time, or there is
   * none. ambiguous: the question did not get to the guest, which says nothing of it.
   */
  pingGuest(vm: VmId, timeoutMs: number): Promise<HypervisorResult<void>>;
  /**
   * Does this to a running VM. Of `reboot` ok means that the guest was asked; pausing what is paused, and
   * resuming what runs, is ok. `mayAct` is asked in the turn in which the command leaves.
   */
  act(vm: VmId, verb: ActionVerb, mayAct: () => boolean): Promise<HypervisorResult<void>>;
  /**
   * Makes a snapshot of a running VM inside its disks, deletes it, or ends the process of the VM and starts
   * it anew from there, by the permit that it runs by. Nothing but the disks remembers it afterwards.
   * Deleting one that is not there is ok. `mayAct` as for `act`.
   */
  snapshot(vm: VmId, wish: SnapshotOrder, mayAct: () => boolean): Promise<HypervisorResult<void>>;
  /**
   * The serial console of a VM that runs, or a picture of its screen. Failed `libvirtUnsupported`: there is
   * none to look into.
   */
  openStream(
    vm: VmId,
    request: GuestStreamRequest,
    events: GuestStreamEvents,
  ): Promise<HypervisorResult<GuestStream>>;
  /** The domain's XML, for adoption. */
  xml(vm: VmId): Promise<HypervisorResult<string>>;
}
