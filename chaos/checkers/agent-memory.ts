import { numberAt, type Checker, type Fact, type JsonObject } from './history.ts';

const facts = ['startAsked', 'stateSurvived', 'stateRotted'] as const;

interface Memory {
  readonly tokens: ReadonlyMap<string, number>;
  readonly epoch: number;
}

/**
 * What an agent must not forget is on its disk before the effect that it guards, and outlives a loss
 * of power. `startAsked` shows the file at the moment of the boot command.
 */
export class AgentMemoryChecker implements Checker {
  readonly name = 'agentMemory';
  readonly facts = facts;
  readonly #promised = new Map<string, { readonly tokens: Map<string, number>; epoch: number }>();

  take(fact: Fact): readonly string[] {
    if (fact.kind === 'stateRotted') this.#promised.delete(fact.node);
    if (fact.kind === 'startAsked') {
      const { node, permit } = fact;
      const memory = read(fact.stateFile);
      const promised = this.#promised.get(node) ?? { tokens: new Map(), epoch: 0 };
      this.#promised.set(node, promised);
      promised.epoch = Math.max(promised.epoch, memory.epoch);
      promised.tokens.set(permit.vm, permit.token);
      const known = memory.tokens.get(permit.vm) ?? 0;
      if (known >= permit.token) return [];
      return [`${node} boots ${permit.vm} with token ${permit.token}, its disk knows ${known}`];
    }
    return fact.kind === 'stateSurvived' ? this.#survived(fact.node, read(fact.stateFile)) : [];
  }

  #survived(node: string, memory: Memory): readonly string[] {
    const promised = this.#promised.get(node);
    if (promised === undefined) return [];
    const problems: string[] = [];
    for (const [vm, token] of promised.tokens) {
      const kept = memory.tokens.get(vm) ?? 0;
      if (kept < token) problems.push(`${node} lost token ${token} of ${vm} with its power`);
    }
    if (memory.epoch < promised.epoch) {
      problems.push(`${node} lost epoch ${promised.epoch} with its power, ${memory.epoch} is left`);
    }
    this.#promised.delete(node);
    return problems;
  }
}

function read(stateFile: JsonObject | null): Memory {
  const tokens = new Map<string, number>();
  const list = stateFile?.['tokens'];
  for (const entry of Array.isArray(list) ? list : []) {
    const [vm, token] = Array.isArray(entry) ? entry : [];
    if (typeof vm === 'string' && typeof token === 'number') tokens.set(vm, token);
  }
  return { tokens, epoch: stateFile === null ? 0 : (numberAt(stateFile, 'epoch') ?? 0) };
}
