/** What a client asked of one key, and what it was told. Times are any common clock. */
export interface StoreOperation {
  readonly key: string;
  readonly calledAt: number;
  /** Null = no answer: it may take effect at any later time, or never. */
  readonly answeredAt: number | null;
  readonly action: StoreAction;
}

/**
 * `write` replaces the value if the key's revision is `expected` (0 = absent); without an answer it
 * is not known whether it did. Revisions grow with every write of any key, so an answer's revision
 * is some number larger than the one before.
 */
export type StoreAction =
  | { readonly kind: 'read'; readonly value: string | null; readonly revision: number }
  | {
      readonly kind: 'write';
      readonly value: string | null;
      readonly expected: number | null;
      /** Null = refused, or unknown when there was no answer. */
      readonly revision: number | null;
    };

interface KeyState {
  readonly value: string | null;
  /** Revision of the last write; null = some write whose revision nobody was told. */
  readonly revision: number | null;
  /** No write may get a revision below this one. */
  readonly floor: number;
}

const empty: KeyState = { value: null, revision: 0, floor: 0 };

/** Histories of one key that are longer than this are judged in full but may take long. */
const budget = 2_000_000;

/**
 * Whether each key's operations can be put into one order that respects real time and explains every
 * answer (Wing and Gong's search, with memory of configurations seen). Returns the keys for which
 * there is none.
 */
export function unlinearizableKeys(history: readonly StoreOperation[]): readonly string[] {
  const byKey = new Map<string, StoreOperation[]>();
  for (const operation of history) {
    const list = byKey.get(operation.key);
    if (list === undefined) byKey.set(operation.key, [operation]);
    else list.push(operation);
  }
  return [...byKey].filter(([, list]) => !isLinearizable(list)).map(([key]) => key);
}

/** The same for one key. Throws when the search is not over within its budget. */
export function isLinearizable(operations: readonly StoreOperation[]): boolean {
  return canBeOrdered(operations, { initial: empty, afterwards });
}

/** When something was asked and answered, by any common clock; null = it was never answered. */
export interface Timed {
  readonly calledAt: number;
  readonly answeredAt: number | null;
}

export interface Model<State, Operation> {
  readonly initial: State;
  /** The state after an operation; undefined when its answer contradicts the state. */
  readonly afterwards: (state: State, operation: Operation) => State | undefined;
}

/**
 * Whether there is an order of the operations that respects real time and that the model explains. What
 * was not answered may come at any later place, or not at all. Throws when the search is not over
 * within its budget.
 */
export function canBeOrdered<State, Operation extends Timed>(
  operations: readonly Operation[],
  model: Model<State, Operation>,
): boolean {
  const ordered = [...operations].sort((a, b) => a.calledAt - b.calledAt);
  return new Search(ordered, model).run();
}

class Search<State, Operation extends Timed> {
  readonly #operations: readonly Operation[];
  readonly #model: Model<State, Operation>;
  readonly #seen = new Set<string>();
  #steps = 0;

  constructor(operations: readonly Operation[], model: Model<State, Operation>) {
    this.#operations = operations;
    this.#model = model;
  }

  run(): boolean {
    return this.#extend(new Set(), this.#model.initial);
  }

  #extend(done: Set<number>, state: State): boolean {
    this.#steps += 1;
    if (this.#steps > budget) throw new Error('the history is too wide to be judged');
    const waiting = this.#operations.flatMap((_, index) => (done.has(index) ? [] : [index]));
    if (waiting.every((index) => this.#operations[index]?.answeredAt === null)) return true;
    const mark = `${[...done].sort((a, b) => a - b).join()}|${JSON.stringify(state)}`;
    if (this.#seen.has(mark)) return false;
    this.#seen.add(mark);
    // Nothing may come before an operation that was over before it was called.
    const firstEnd = Math.min(
      ...waiting.map((index) => this.#operations[index]?.answeredAt ?? Number.POSITIVE_INFINITY),
    );
    for (const index of waiting) {
      const operation = this.#operations[index];
      if (operation === undefined || operation.calledAt > firstEnd) continue;
      const next = this.#model.afterwards(state, operation);
      if (next === undefined) continue;
      done.add(index);
      const found = this.#extend(done, next);
      done.delete(index);
      if (found) return true;
    }
    return false;
  }
}

/** The key after an operation; undefined when the answer contradicts the state. */
function afterwards(state: KeyState, { action, answeredAt }: StoreOperation): KeyState | undefined {
  if (action.kind === 'read') return afterRead(state, action);
  const { expected, value, revision } = action;
  const mayHold = expected === null || state.revision === null || state.revision === expected;
  const fits = state.revision !== null || expected === null || expected > state.floor;
  const holds = mayHold && fits;
  if (answeredAt === null) {
    if (!holds) return state;
    return { value, revision: null, floor: Math.max(state.floor, expected ?? 0) };
  }
  if (revision === null) {
    // Refused: there must have been something else. An unknown revision can always differ.
    const mustHold = expected === null || (state.revision !== null && state.revision === expected);
    return mustHold ? undefined : state;
  }
  if (!holds || revision <= Math.max(state.floor, expected ?? 0)) return undefined;
  return { value, revision, floor: revision };
}

function afterRead(
  state: KeyState,
  { value, revision }: Extract<StoreAction, { kind: 'read' }>,
): KeyState | undefined {
  if (value !== state.value) return undefined;
  if (state.revision !== null) return state.revision === revision ? state : undefined;
  if (revision <= state.floor) return undefined;
  return { value, revision, floor: revision };
}
