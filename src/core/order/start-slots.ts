import type { NodeId } from '../model/ids.ts';
import type { DiskSource, VmRecord } from '../model/vm.ts';
import type { AddressedCommand } from '../plan.ts';
import type { Draft } from '../decide/draft.ts';
import { compareWaiting } from '../placement/batch.ts';

/** A start that a committed record calls for and that was not sent yet. */
export interface PendingStart {
  readonly vm: VmRecord;
  readonly command: AddressedCommand;
}

/** What many VMs starting at once would overrun; null = a disk of one node. */
export function storageOf(source: DiskSource): string | null {
  switch (source.kind) {
    case 'nbd':
      return `nbd://${source.host}`;
    case 'rbd':
      return `rbd:${source.pool}`;
    case 'iscsi':
      return `iscsi://${source.portal}`;
    case 'sharedFile':
      return source.path.slice(0, source.path.lastIndexOf('/') + 1);
    case 'local':
      return null;
    default:
      return source satisfies never;
  }
}

function storagesOf(vm: VmRecord): ReadonlySet<string> {
  const names = vm.spec.disks.map((disk) => storageOf(disk.source));
  return new Set(names.filter((name) => name !== null));
}

/** A start was sent, and its VM neither runs nor has failed. */
export function isUnderWay(draft: Pick<Draft, 'observations'>, vm: VmRecord): boolean {
  if (vm.operation?.kind !== 'start') return false;
  const sent = draft.observations.commands.get(vm.operation.id);
  return sent !== undefined && sent.incarnation === vm.permit?.incarnation;
}

/**
 * The starts that go out now (FAILURES V17): by priority, no more at once than a node, and a storage,
 * takes. One that waits for its storage keeps that place from those of lower priority, not its node's.
 */
export function startsThatFit(
  draft: Draft,
  pending: readonly PendingStart[],
): readonly AddressedCommand[] {
  if (pending.length === 0) return [];
  const { maxStartsPerNode, maxStartsPerStorage } = draft.state.settings;
  const byNode = new Map<NodeId, number>();
  const byStorage = new Map<string, number>();
  const take = (vm: VmRecord, node: NodeId): void => {
    byNode.set(node, (byNode.get(node) ?? 0) + 1);
    for (const name of storagesOf(vm)) byStorage.set(name, (byStorage.get(name) ?? 0) + 1);
  };
  for (const vm of draft.state.vms.values()) {
    if (vm.permit !== null && isUnderWay(draft, vm)) take(vm, vm.permit.node);
  }
  const fitting: AddressedCommand[] = [];
  for (const { vm, command } of [...pending].sort((a, b) => compareWaiting(a.vm, b.vm))) {
    if ((byNode.get(command.node) ?? 0) >= maxStartsPerNode) continue;
    const storages = [...storagesOf(vm)];
    if (storages.some((name) => (byStorage.get(name) ?? 0) >= maxStartsPerStorage)) continue;
    take(vm, command.node);
    fitting.push(command);
  }
  return fitting;
}
