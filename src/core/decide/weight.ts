import type { ClusterObject } from '../cluster-state.ts';

/** What a change adds to a transaction; a store takes 1024 parts and 512 Ki characters at once. */
export interface Weight {
  /** Compares and writes. */
  readonly parts: number;
  readonly characters: number;
}

/** Beyond this a decision adds nothing: about half of what a store takes, so that any unit fits. */
export const fullAt: Weight = { parts: 500, characters: 200_000 };

/** An object is compared and written. About what it weighs; only its long parts are counted. */
export function weightOf(object: ClusterObject): Weight {
  return { parts: 2, characters: charactersOf(object) };
}

export const weightOfRemoval: Weight = { parts: 2, characters: 100 };

/** An event is written, and one old one deleted. */
export const weightOfEvent: Weight = { parts: 2, characters: 300 };

function charactersOf(object: ClusterObject): number {
  switch (object.kind) {
    case 'vm':
      return 1000 + (object.spec.definition.kind === 'xml' ? object.spec.definition.xml.length : 0);
    case 'failover':
      return 1000 + object.vms.length * 400;
    case 'fence':
      return 4000;
    case 'membership':
      return (
        1000 +
        object.members.length * 120 +
        object.earlier.reduce((sum, { nodes }) => sum + 20 + nodes.length * 30, 0)
      );
    default:
      return 1000;
  }
}
