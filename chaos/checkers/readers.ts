import type { Checker, Fact, FactName, MessageStage } from './history.ts';

const stages = ['left', 'arrived', 'delivered'] as const satisfies readonly MessageStage[];

/** Who is to be told of what. Most messages concern nobody, and that is found without making a fact. */
export class Readers {
  readonly #byName = new Map<string, Checker[]>();
  readonly #messages: Readonly<Record<MessageStage, Map<string, readonly Checker[]>>> = {
    left: new Map(),
    arrived: new Map(),
    delivered: new Map(),
  };

  /** @param others Facts that somebody else wants to be told of too. */
  constructor(checkers: readonly Checker[], others: readonly FactName[] = []) {
    for (const name of others) this.#add(name, null);
    for (const checker of checkers) for (const name of checker.facts) this.#add(name, checker);
  }

  of(fact: Fact): readonly Checker[] {
    const found =
      fact.kind === 'message'
        ? this.ofMessage(fact.stage, fact.body['kind'])
        : this.#byName.get(fact.kind);
    return found ?? [];
  }

  /** Null = nobody at all wants to be told of such a message. */
  ofMessage(stage: MessageStage, kind: unknown): readonly Checker[] | null {
    return typeof kind === 'string' ? (this.#messages[stage].get(kind) ?? null) : null;
  }

  #add(name: FactName, checker: Checker | null): void {
    const list = this.#byName.get(name) ?? [];
    this.#byName.set(name, list);
    if (checker !== null) list.push(checker);
    const [stage, kind] = name.split(' ');
    const known = stages.find((each) => each === stage);
    if (known !== undefined && kind !== undefined) this.#messages[known].set(kind, list);
  }
}
