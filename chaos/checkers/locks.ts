import {
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type JsonObject,
  type WriteFact,
} from './history.ts';

const facts = ['write'] as const;

interface Known {
  readonly lockedAt: string | null;
  readonly token: number | null;
  readonly isCopied: boolean;
}

/** While a VM is locked it is neither started nor moved. */
export class LockChecker implements Checker {
  readonly name = 'locks';
  readonly facts = facts;
  readonly #known = new Map<string, Known>();

  take(fact: Fact): readonly string[] {
    if (fact.kind !== 'write' || !fact.key.startsWith('vm/')) return [];
    return this.#vm(fact);
  }

  #vm({ key, value }: WriteFact): readonly string[] {
    const vm = key.slice('vm/'.length);
    const before = this.#known.get(vm);
    if (value === null) {
      this.#known.delete(vm);
      return [];
    }
    const now = knownOf(value);
    this.#known.set(vm, now);
    if (before === undefined || now.lockedAt === null || before.lockedAt !== now.lockedAt)
      return [];
    const said: string[] = [];
    const operation = objectAt(value, 'operation');
    const isStart = operation !== null && textAt(operation, 'kind') === 'start';
    if (isStart && now.token !== null && now.token !== before.token) {
      said.push(`${vm} is started although it is locked since ${now.lockedAt}`);
    }
    if (now.isCopied && !before.isCopied) {
      said.push(`${vm} is migrated although it is locked since ${now.lockedAt}`);
    }
    return said;
  }
}

function knownOf(value: JsonObject): Known {
  const lock = objectAt(value, 'lock');
  const move = objectAt(value, 'move');
  return {
    lockedAt: lock === null ? null : (textAt(lock, 'at') ?? ''),
    token: permitIn(objectAt(value, 'permit'))?.token ?? null,
    isCopied: move !== null && objectAt(move, 'migration') !== null,
  };
}
