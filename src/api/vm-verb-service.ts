import type { Outcome } from '../core/problem.ts';
import type { Caller } from './cluster-service.ts';
import type { ActOnVm, CloneVm, EditVm, LockVm, RenameVm } from './schema/requests.ts';
import type { SnapshotVm } from './schema/snapshot.ts';
import type { VmEditedView, VmView, WhyView } from './schema/views.ts';

/** What is done to VMs beyond wanting them on, off or elsewhere. */
export interface VmVerbService {
  /** Something done to the guest of a VM that runs, once per request; or a restart of the VM. */
  act(vm: string, body: ActOnVm, caller: Caller): Promise<Outcome<VmView>>;
  /** A snapshot of a VM that runs made, gone back to or deleted, once per request. */
  snapshot(vm: string, body: SnapshotVm, caller: Caller): Promise<Outcome<VmView>>;
  /** Not started and not moved until it is unlocked. */
  lock(vm: string, body: LockVm, caller: Caller): Promise<Outcome<VmView>>;
  unlock(vm: string, caller: Caller): Promise<Outcome<VmView>>;
  /** Another spec, and what of it holds when. */
  edit(vm: string, body: EditVm, caller: Caller): Promise<Outcome<VmEditedView>>;
  /** Another name for a VM that is off. */
  rename(vm: string, body: RenameVm, caller: Caller): Promise<Outcome<VmView>>;
  /** A new VM like it, on disks that exist; answers the new one. */
  clone(vm: string, body: CloneVm, caller: Caller): Promise<Outcome<VmView>>;
  /** The chain of events that led to its place. */
  why(vm: string): Promise<Outcome<WhyView>>;
}
