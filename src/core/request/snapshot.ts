import { actionOperation } from '../decide/actions.ts';
import type { Draft } from '../decide/draft.ts';
import type { NodeId } from '../model/ids.ts';
import { verbText } from '../model/vm-action.ts';
import { plainHardware } from '../model/hardware.ts';
import type { VmDisk, VmRecord, VmSpec } from '../model/vm.ts';
import {
  snapshotsKept,
  verbOfWish,
  type SnapshotVerb,
  type SnapshotWish,
  type VmSnapshot,
} from '../model/vm-snapshot.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import { cannotAct, cannotTake, known, notRunning, refusal, type Once } from './act.ts';
import { lockedProblem } from './lock.ts';

export interface SnapshotCall extends Once {
  readonly wish: SnapshotWish;
  readonly snapshot: string;
  /** For people; of `create`. */
  readonly note: string | null;
}

/**
 * Has a snapshot of a VM that runs made, gone back to or deleted by its owner, once this is committed.
 * Until that answers the VM is locked for it, so that nothing moves or restarts it meanwhile; a proof
 * that the owner is dead ends both.
 */
export function snapshotVm(draft: Draft, vm: VmRecord, call: SnapshotCall): Outcome<VmRecord> {
  const { wish, snapshot, request, by, note } = call;
  const verb = verbOfWish[wish];
  const before = known(vm, verb, request, snapshot);
  if (before !== null) return before;
  const { permit } = vm;
  const refused =
    cannotAct(draft, vm, verb) ??
    lockedProblem(vm, `${verbText(verb)} of VM ${vm.spec.name} is refused`) ??
    cannotTake(draft, vm, verb) ??
    cannotHave(vm, call, permit?.node ?? null);
  if (refused !== null || permit === null) return problem(refused ?? notRunning(vm, verb));
  const at = draft.observations.nowWall;
  const { node, token } = permit;
  const operation = actionOperation(vm, request);
  const kind = wish === 'revert' ? 'rollback' : 'snapshot';
  const next: VmRecord = {
    ...vm,
    action: { operation, request, verb, snapshot, token, by },
    lock: { kind, by, at, reason: `${wish} ${snapshot}`, node, operation },
    // A move that has not begun is not wanted any more, as with any lock.
    move: null,
    snapshots: listed(vm.snapshots ?? [], wish, { name: snapshot, by, at, node, note }),
  };
  draft.put(next);
  return ok(next);
}

function listed(
  snapshots: readonly VmSnapshot[],
  wish: SnapshotWish,
  fresh: Omit<VmSnapshot, 'state'>,
): readonly VmSnapshot[] {
  switch (wish) {
    case 'create':
      return [...snapshots, { ...fresh, state: 'making' }];
    case 'delete':
      return snapshots.map((one) =>
        one.name === fresh.name ? { ...one, state: 'deleting' } : one,
      );
    case 'revert':
      return snapshots;
    default:
      return wish satisfies never;
  }
}

function cannotHave(
  vm: VmRecord,
  { wish, snapshot }: SnapshotCall,
  node: NodeId | null,
): Problem | null {
  const { name } = vm.spec;
  const verb = verbOfWish[wish];
  const found = vm.snapshots?.find((one) => one.name === snapshot);
  if (wish === 'create') return cannotMake(vm, snapshot, found);
  if (found === undefined) {
    return refusal(vm, verb, `it has no snapshot ${snapshot}`, [`kennel vm snapshot ls ${name}`]);
  }
  return wish === 'revert' ? cannotRevert(vm, found, node) : null;
}

function cannotMake(vm: VmRecord, snapshot: string, found: VmSnapshot | undefined): Problem | null {
  const { name } = vm.spec;
  const no = (because: string, ...steps: readonly string[]): Problem =>
    refusal(vm, 'snapshot', because, steps);
  if (found !== undefined) {
    return no(
      `it has a snapshot ${snapshot} already (${found.state}, of ${found.at})`,
      'name it otherwise',
      `kennel vm snapshot delete ${name} ${snapshot}`,
    );
  }
  if ((vm.snapshots?.length ?? 0) >= snapshotsKept) {
    return no(`it has ${snapshotsKept} of them already`, `kennel vm snapshot ls ${name}`);
  }
  if (vm.staged != null) {
    return no(
      'an edit waits for its next start, and the snapshot would not fit the machine after it',
      `kennel vm restart ${name}`,
    );
  }
  const because = unfitFor(vm.spec);
  return because === null ? null : no(because, `kennel vm show ${name}`);
}

/** Why a VM like this cannot have snapshots; null = it can. */
function unfitFor({ disks, definition }: VmSpec): string | null {
  const written = disks.filter(({ readOnly }) => !readOnly);
  const unfit = written.find((disk) => !holdsSnapshots(disk));
  if (unfit !== undefined) {
    return `a snapshot lies inside the disks, and only a qcow2 file can hold one: it writes to ${diskText(unfit)}`;
  }
  if (written.length === 0) return 'it writes to no disk that could hold one';
  const hardware = definition.kind === 'typed' ? definition.hardware : undefined;
  const { firmware, hostDevices, tpm } = hardware ?? plainHardware;
  if (firmware.kind === 'efi') return 'its EFI variables are no part of one';
  if (tpm) return 'the contents of its TPM are no part of one';
  if (hostDevices.length > 0) return 'the state of devices of its node is no part of one';
  return null;
}

function holdsSnapshots({ source, format }: VmDisk): boolean {
  const isFile = source.kind === 'sharedFile' || source.kind === 'local';
  return isFile && !source.path.startsWith('/dev/') && format === 'qcow2';
}

function diskText({ source, format }: VmDisk): string {
  return 'path' in source
    ? `${source.path} (${format})`
    : `a disk on the network (${source.kind}, ${format})`;
}

function cannotRevert(vm: VmRecord, found: VmSnapshot, node: NodeId | null): Problem | null {
  const { name, definition } = vm.spec;
  const verb: SnapshotVerb = 'revert';
  const cpu = definition.kind === 'typed' ? (definition.hardware?.cpu ?? null) : null;
  const isOfHost = cpu !== null && cpu.model.kind !== 'named';
  if (!isOfHost || found.node === node) return null;
  return refusal(
    vm,
    verb,
    `its processor is that of its node, and the memory in ${found.name} was taken on ${found.node}`,
    [`kennel vm migrate ${name} --to ${found.node} --wait`],
  );
}
