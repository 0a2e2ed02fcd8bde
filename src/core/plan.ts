import type { ClusterObject } from './cluster-state.ts';
import type { ClusterEvent } from './model/event.ts';
import type { FenceId, IncarnationId, NodeId, OperationId, Token, VmId } from './model/ids.ts';
import type { MigrationLimits } from './model/move.ts';
import type { FenceLevel } from './model/node.ts';
import type { Permit } from './model/permit.ts';
import type { VmSpec } from './model/vm.ts';
import type { AskedOfOwner } from './model/vm-action.ts';

/** One command for an agent. Derived from committed state only, so it may be sent at once. */
export type Command =
  | {
      readonly kind: 'start';
      readonly operation: OperationId;
      readonly permit: Permit;
      readonly spec: VmSpec;
    }
  | {
      readonly kind: 'permit';
      readonly operation: OperationId;
      readonly permit: Permit;
      readonly previousToken: Token | null;
    }
  /** Wake the copy that a live migration left here, under this permit. */
  | {
      readonly kind: 'resume';
      readonly operation: OperationId;
      readonly permit: Permit;
      readonly previousToken: Token | null;
    }
  /** Do this to a VM that runs by this permit, once. */
  | (AskedOfOwner & {
      readonly kind: 'act';
      readonly operation: OperationId;
      readonly permit: Permit;
    })
  /** Be ready for the copy of a VM; the permit is the one that it will get, and has not got yet. */
  | {
      readonly kind: 'prepare';
      readonly operation: OperationId;
      readonly permit: Permit;
      readonly spec: VmSpec;
    }
  /** Copy a running VM to the node at this address, and leave the copy standing still there. */
  | {
      readonly kind: 'migrate';
      readonly operation: OperationId;
      readonly permit: Permit;
      readonly target: Permit;
      readonly address: string;
      readonly limits: MigrationLimits;
    }
  /** Stop copying, never begin it by this token again, and say how the VM stands. */
  | {
      readonly kind: 'abort';
      readonly operation: OperationId;
      readonly vm: VmId;
      readonly incarnation: IncarnationId;
      readonly token: Token;
    }
  | {
      readonly kind: 'release';
      readonly operation: OperationId;
      readonly vm: VmId;
      readonly incarnation: IncarnationId;
      readonly token: Token;
      readonly graceMs: number;
    };

export interface AddressedCommand {
  readonly node: NodeId;
  readonly incarnation: IncarnationId;
  readonly command: Command;
}

/** A level with its place in the node's topology, counted from 1. */
export interface NumberedLevel extends FenceLevel {
  readonly number: number;
}

/** A fence operation that an execution must be running for. Absent = its execution is stopped. */
export interface FenceRequest {
  readonly fence: FenceId;
  readonly node: NodeId;
  /** Those that can still prove it dead, in the order in which they are tried. */
  readonly levels: readonly NumberedLevel[];
  /** As recorded: the level to go on with, and the devices that may have been told. */
  readonly level: number;
  readonly told: readonly string[];
  /** The phase `acting` is committed and no other boot is heard: device commands may be sent. */
  readonly mayAct: boolean;
}

/** A node that may go down now, its VMs cared for. */
export interface Departure {
  readonly node: NodeId;
  readonly incarnation: IncarnationId;
  /** What it is to do; null = it is at it already, and waits for this word. */
  readonly action: 'reboot' | 'shutdown' | null;
}

/** An object's new value (`put`) or its end (`delete`). */
export type Change =
  | { readonly kind: 'put'; readonly object: ClusterObject }
  | { readonly kind: 'delete'; readonly key: string };

export type NewEvent = Omit<ClusterEvent, 'kind' | 'at' | 'by' | 'reason'>;

/** In whose name a change is made, for the record. */
export interface Asked {
  readonly by: string;
  readonly reason: string | null;
}

/** What to do now. Changes are committed before anything is done on their strength. */
export interface Plan {
  /** To be committed together with the events. */
  readonly changes: readonly Change[];
  readonly events: readonly NewEvent[];
  readonly commands: readonly AddressedCommand[];
  readonly fences: readonly FenceRequest[];
  readonly departures: readonly Departure[];
  /** Monotonic time at which to decide again if nothing happens before; null = only on events. */
  readonly wakeAtMs: number | null;
}
