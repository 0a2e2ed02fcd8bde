import { operationId, token, type NodeId } from '../model/ids.ts';
import type { Incarnation } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import { nextPermit } from './operations.ts';

export const isMigrating = (vm: VmRecord): boolean => vm.move?.migration != null;

/** A copy of it may be there, as its migration has it. */
export const isIncoming = (vm: VmRecord, node: NodeId): boolean =>
  vm.move?.migration?.target.node === node;

/**
 * A migration after the agent of its source or of its target started anew. libvirt may have gone on
 * without it. So the source is asked how it stands; and as the newest token is another than the one of
 * the copy by now, the hand-over, should it come to that, gives out a new permit.
 */
export function withAgentsRestart(vm: VmRecord, node: NodeId, next: Incarnation): VmRecord {
  const { move, permit } = vm;
  const migration = move?.migration ?? null;
  if (move === null || migration === null || permit === null) return vm;
  const isSource = permit.node === node;
  const because = migration.because ?? `the agent of ${node} restarted`;
  // Nothing was asked of the source yet, and in `ending` nothing more is.
  const phase = migration.phase === 'moving' ? 'cancelling' : migration.phase;
  const changed = { ...migration, phase, because };
  if (!isSource) {
    const target = { ...migration.target, incarnation: next.id };
    const lastToken = token(vm.lastToken + 1);
    return { ...vm, lastToken, move: { ...move, migration: { ...changed, target } } };
  }
  const renewed = nextPermit(vm, permit.node, next);
  const { operation } = vm;
  return {
    ...vm,
    permit: renewed,
    lastToken: renewed.token,
    operation: {
      id: operationId(`permit/${vm.id}/${renewed.token}`),
      kind: 'permit',
      force: false,
      previousToken: operation?.kind === 'permit' ? operation.previousToken : permit.token,
    },
    move: { ...move, migration: changed },
  };
}
