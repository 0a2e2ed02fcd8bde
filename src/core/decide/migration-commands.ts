import { operationId, type OperationId } from '../model/ids.ts';
import type { VmMigration } from '../model/move.ts';
import type { VmRecord } from '../model/vm.ts';
import type { AddressedCommand, Command } from '../plan.ts';
import type { Draft } from './draft.ts';
import { standingOf } from './ownership.ts';

/** What is asked of whom in each phase; the same intent has the same id under every leader. */
const verbs = {
  preparing: 'prepare',
  moving: 'migrate',
  cancelling: 'abort',
  ending: 'drop',
} as const satisfies Record<VmMigration['phase'], string>;

export function migrationOperation(vm: VmRecord, { phase, target }: VmMigration): OperationId {
  return operationId(`${verbs[phase]}/${vm.id}/${target.token}`);
}

/** The command that a committed migration calls for, and who gets it; null = none can be sent now. */
export function migrationCommand(draft: Draft, vm: VmRecord): AddressedCommand | null {
  const migration = vm.move?.migration ?? null;
  if (migration === null || vm.permit === null) return null;
  const toTarget = migration.phase === 'preparing' || migration.phase === 'ending';
  const holder = toTarget ? migration.target : vm.permit;
  if (standingOf(draft, vm, holder).kind !== 'live') return null;
  const command = commandOf(draft, vm, migration);
  if (command === null) return null;
  return { node: holder.node, incarnation: holder.incarnation, command };
}

function commandOf(draft: Draft, vm: VmRecord, migration: VmMigration): Command | null {
  const operation = migrationOperation(vm, migration);
  const { permit, move } = vm;
  const { target } = migration;
  const address = draft.node(target.node)?.address;
  if (permit === null || move === null || address === undefined) return null;
  switch (migration.phase) {
    case 'preparing':
      return { kind: 'prepare', operation, permit: target, spec: vm.spec };
    case 'moving':
      return { kind: 'migrate', operation, permit, target, address, limits: move.limits };
    case 'cancelling': {
      const { incarnation } = permit;
      return { kind: 'abort', operation, vm: vm.id, incarnation, token: target.token };
    }
    case 'ending': {
      const { incarnation, token } = target;
      return { kind: 'release', operation, vm: vm.id, incarnation, token, graceMs: 0 };
    }
    default:
      return migration.phase satisfies never;
  }
}
