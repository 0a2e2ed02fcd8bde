import type { VmRecord, VmSpec } from '../model/vm.ts';
import type { Draft } from './draft.ts';

/** What Kennel itself reads of a spec: it holds from the moment of the edit. */
const fieldsNow = ['priority', 'separateFrom', 'nodes', 'limits', 'after', 'onEvacuation'] as const;

/** A spec as it was edited, told apart by when each part takes effect. */
export interface SplitEdit {
  /** The spec of what runs, with what takes effect at once. */
  readonly present: VmSpec;
  readonly now: readonly string[];
  /** Fields of the new spec that a domain is made from. */
  readonly nextStart: readonly string[];
}

export function splitEdit(running: VmSpec, edited: VmSpec): SplitEdit {
  const { priority, separateFrom, nodes, limits, after, onEvacuation } = edited;
  const changed = (Object.keys(edited) as (keyof VmSpec)[]).filter(
    (field) => !sameValue(running[field], edited[field]),
  );
  const isNow = (field: string): boolean => (fieldsNow as readonly string[]).includes(field);
  return {
    present: { ...running, priority, separateFrom, nodes, limits, after, onEvacuation },
    now: changed.filter(isNow),
    nextStart: changed.filter((field) => !isNow(field)),
  };
}

/**
 * A spec that was edited while the VM ran becomes its spec once nobody owns it, before it is placed anew:
 * until then the room that it holds is that of what runs. A start over on the same node keeps the old one.
 */
export function decideEdits(draft: Draft): void {
  for (const vm of draft.vms()) {
    if (vm.staged == null || vm.permit !== null) continue;
    if (draft.isFull()) return;
    draft.put(promoted(vm, vm.staged));
  }
}

function promoted(vm: VmRecord, spec: VmSpec): VmRecord {
  return { ...vm, spec, staged: null };
}

/** The same JSON, whatever the order of its fields; an absent field is one that is undefined. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => sameValue(left[key], right[key]));
}
