import { canBeOrdered, type Timed } from './linearizable.ts';

/**
 * What a client asked of one name in a registry of things with ids, and was told. `take` gives the
 * name to a new thing if nothing has it, `free` ends that, `look` asks who has it.
 */
export interface NameOperation extends Timed {
  readonly name: string;
  readonly action:
    | { readonly kind: 'take'; readonly id: string; readonly isRefused: boolean }
    /** Who had it, by the answer; null = nobody did. Unknown without an answer. */
    | { readonly kind: 'free'; readonly id: string | null }
    | { readonly kind: 'look'; readonly id: string | null };
}

/** Names whose operations no order explains: an answer was wrong, or an acknowledged write was lost. */
export function unexplainedNames(history: readonly NameOperation[]): readonly string[] {
  const byName = new Map<string, NameOperation[]>();
  for (const operation of history) {
    const list = byName.get(operation.name) ?? [];
    list.push(operation);
    byName.set(operation.name, list);
  }
  return [...byName]
    .filter(([, operations]) => !canBeOrdered(operations, { initial: nobody, afterwards }))
    .map(([name]) => name);
}

const nobody: Holder = { id: null };

interface Holder {
  readonly id: string | null;
}

function afterwards(holder: Holder, { action, answeredAt }: NameOperation): Holder | undefined {
  const isAnswered = answeredAt !== null;
  switch (action.kind) {
    case 'look':
      return action.id === holder.id ? holder : undefined;
    case 'take':
      if (isAnswered && action.isRefused) return holder.id === null ? undefined : holder;
      if (holder.id === null) return { id: action.id };
      return isAnswered ? undefined : holder;
    case 'free':
      return isAnswered && action.id !== holder.id ? undefined : nobody;
    default:
      return action satisfies never;
  }
}
