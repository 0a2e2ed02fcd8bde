import {
  numberAt,
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type WriteFact,
} from './history.ts';

const facts = ['write', 'acted'] as const;

interface Asked {
  readonly verb: string;
  /** The owner that it was asked of. */
  readonly node: string;
  readonly token: number;
  isDone: boolean;
}

/**
 * What is done to a guest (pause, resume, reset, reboot) was committed before, is done at the owner that it
 * was asked of, and once: a repeated command, or another owner, does not do it again. So are snapshots. A lock
 * that was made for a call is gone with it.
 */
export class ActionChecker implements Checker {
  readonly name = 'actions';
  readonly facts = facts;
  /** By VM, then by request. */
  readonly #asked = new Map<string, Map<string, Asked>>();

  take(fact: Fact): readonly string[] {
    switch (fact.kind) {
      case 'write':
        return fact.key.startsWith('vm/') ? this.#written(fact) : [];
      case 'acted':
        return this.#acted(fact);
      default:
        return [];
    }
  }

  #written(fact: WriteFact): readonly string[] {
    this.#note(fact);
    const { key, value } = fact;
    const lockedFor = value === null ? null : textAt(objectAt(value, 'lock') ?? {}, 'operation');
    const underWay = value === null ? null : textAt(objectAt(value, 'action') ?? {}, 'operation');
    if (lockedFor === null || lockedFor === underWay) return [];
    return [`${key} is locked for ${lockedFor}, which is over`];
  }

  #note({ key, value }: WriteFact): void {
    const action = value === null ? null : objectAt(value, 'action');
    const permit = value === null ? null : permitIn(objectAt(value, 'permit'));
    const request = action === null ? null : textAt(action, 'request');
    if (action === null || permit === null || request === null) return;
    const vm = key.slice('vm/'.length);
    const asked = this.#asked.get(vm) ?? new Map<string, Asked>();
    this.#asked.set(vm, asked);
    if (asked.has(request)) return;
    const verb = textAt(action, 'verb') ?? '';
    const token = numberAt(action, 'token') ?? permit.token;
    asked.set(request, { verb, node: permit.node, token, isDone: false });
  }

  /** An agent that starts anew gives the domain a newer permit while the call is on its way. */
  #acted({ vm, verb, node, token }: FactOf<'acted'>): readonly string[] {
    const same = [...(this.#asked.get(vm)?.values() ?? [])].filter((one) => one.verb === verb);
    const fitting = same.find(
      (one) => !one.isDone && one.node === node && token !== null && one.token <= token,
    );
    if (fitting === undefined) {
      const times = same.filter((one) => one.isDone).length;
      return [
        `${vm} on ${node} (token ${token}): ${verb} was not asked for, or done ${times} times`,
      ];
    }
    fitting.isDone = true;
    return [];
  }
}
