import type { VmMove } from '../model/move.ts';

/** The move with its migration called off. */
export function withdrawn(move: VmMove, why = 'it was called off'): VmMove {
  const { migration } = move;
  if (migration === null) return move;
  const because = migration.because ?? why;
  return { ...move, migration: { ...migration, because, withdrawn: true } };
}
