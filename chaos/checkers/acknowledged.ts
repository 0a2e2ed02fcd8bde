import { textAt, type Checker, type Fact, type FactOf, type WriteFact } from './history.ts';

const facts = ['call', 'answer', 'write'] as const;

/** `stopped`: not to be running; disabled and ignored VMs are not told apart from it. */
type Want = 'running' | 'stopped' | 'deleted' | 'absent';

const wants = {
  create: 'running',
  start: 'running',
  stop: 'stopped',
  disable: 'stopped',
  ignore: 'stopped',
  delete: 'deleted',
  // Where it runs is not what it is to be.
  migrate: null,
  relocate: null,
  stay: null,
  // What is done to a guest changes nothing of what it is to be.
  pause: null,
  resume: null,
  reset: null,
  reboot: null,
  restart: null,
} as const satisfies Readonly<Record<FactOf<'call'>['verb'], Want | null>>;

interface Call {
  readonly id: number;
  readonly vm: string;
  readonly want: Want;
  readonly existed: boolean;
  /** Whether a record that shows its effect was committed since the call. */
  seen: boolean;
}

/**
 * No acknowledged write is lost (I6), and a plain no is true. What a record may say is what was
 * acknowledged last, or what some later call without a clear answer may have made of it.
 */
export class AcknowledgedChecker implements Checker {
  readonly name = 'acknowledged';
  readonly facts = facts;
  readonly #calls = new Map<number, Call>();
  /** What each VM may be, and as of which call. */
  readonly #settled = new Map<string, { want: Want; call: number }>();
  readonly #possible = new Map<string, Map<number, Want>>();
  readonly #records = new Map<string, Want>();

  take(fact: Fact): readonly string[] {
    switch (fact.kind) {
      case 'call':
        this.#called(fact);
        return [];
      case 'answer':
        return this.#answered(fact);
      case 'write':
        return fact.key.startsWith('vm/') ? this.#written(fact) : [];
      default:
        return [];
    }
  }

  #called({ id, vm, verb }: FactOf<'call'>): void {
    const want = wants[verb];
    if (want === null) return;
    const existed = this.#records.has(vm);
    this.#calls.set(id, { id, vm, want, existed, seen: false });
    this.#possibleOf(vm).set(id, want);
  }

  #answered({ id, result, detail }: FactOf<'answer'>): readonly string[] {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call === undefined) return [];
    const { vm, want } = call;
    const possible = this.#possibleOf(vm);
    if (result === 'ok') {
      // To stop what is being deleted changes nothing.
      const goes = want === 'stopped' && this.#mayBeDeleted(vm);
      this.#settled.set(vm, { want: goes ? 'deleted' : want, call: id });
      if (goes) possible.set(id, 'stopped');
      // What was asked before it can take effect no more: one leader writes one thing at a time.
      for (const earlier of possible.keys()) {
        if (earlier < id || !goes) possible.delete(earlier);
      }
      return this.#judge(vm, 'after it was acknowledged');
    }
    if (result === 'unknown') return [];
    possible.delete(id);
    const made = want === 'running' && !call.existed && call.seen;
    const alone = ![...possible.values()].includes(want);
    return made && alone
      ? [`the call for ${vm} was refused (${detail}) and done all the same`]
      : [];
  }

  #written({ key, value }: WriteFact): readonly string[] {
    const vm = key.slice('vm/'.length);
    if (value === null) this.#records.delete(vm);
    else this.#records.set(vm, wantIn(value));
    const is = this.#records.get(vm) ?? 'absent';
    for (const call of this.#calls.values()) {
      if (call.vm === vm && is === call.want) call.seen = true;
    }
    return this.#judge(vm, 'in a later write');
  }

  #judge(vm: string, when: string): readonly string[] {
    const is = this.#records.get(vm) ?? 'absent';
    const settled = this.#settled.get(vm)?.want ?? 'absent';
    const allowed = new Set<Want>([settled, ...this.#possibleOf(vm).values()]);
    if (allowed.has('deleted')) allowed.add('absent');
    if (allowed.has(is)) return [];
    return [`${vm} is ${is} ${when}, acknowledged was ${settled}`];
  }

  #mayBeDeleted(vm: string): boolean {
    const settled = this.#settled.get(vm)?.want;
    return settled === 'deleted' || [...this.#possibleOf(vm).values()].includes('deleted');
  }

  #possibleOf(vm: string): Map<number, Want> {
    const known = this.#possible.get(vm) ?? new Map<number, Want>();
    this.#possible.set(vm, known);
    return known;
  }
}

function wantIn(value: NonNullable<WriteFact['value']>): Want {
  if (value['deleting'] === true) return 'deleted';
  return textAt(value, 'desired') === 'running' ? 'running' : 'stopped';
}
