import {
  bootOf,
  listAt,
  numberAt,
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type JsonObject,
  type PermitFact,
  type WriteFact,
} from './history.ts';

const facts = ['write', 'left commands', 'startAsked', 'vmRuns'] as const;

/** Commands whose permit is the owner's. */
const namesOwner: ReadonlySet<string> = new Set(['start', 'permit', 'resume', 'act', 'migrate']);

const show = (permit: PermitFact): string =>
  `token ${permit.token} of ${permit.node} (${permit.incarnation.slice(-12)})`;

function same(a: PermitFact, b: PermitFact): boolean {
  return (
    a.vm === b.vm && a.node === b.node && a.incarnation === b.incarnation && a.token === b.token
  );
}

/**
 * Intent before effect (I2): a start command names a permit that was committed before the command
 * left, an agent boots only by the permit that is in the record then, and what comes up does so
 * on the node and boot that the record names. Tokens only grow.
 */
export class PermitChecker implements Checker {
  readonly name = 'permits';
  readonly facts = facts;
  /** The permit in each VM's record now; null = nobody's. */
  readonly #now = new Map<string, PermitFact | null>();
  readonly #committed = new Map<string, PermitFact>();
  readonly #highest = new Map<string, number>();
  #epoch: number | null = null;

  take(fact: Fact): readonly string[] {
    switch (fact.kind) {
      case 'write':
        if (fact.key === 'leader') this.#epoch = fact.value === null ? null : fact.revision;
        return fact.key.startsWith('vm/') ? this.#written(fact) : [];
      case 'message':
        return fact.stage === 'left' ? this.#commanded(fact) : [];
      case 'startAsked':
        return this.#asked(fact);
      case 'vmRuns':
        return fact.running ? this.#runs(fact) : [];
      default:
        return [];
    }
  }

  #written({ key, value }: WriteFact): readonly string[] {
    const vm = key.slice('vm/'.length);
    const permit = value === null ? null : permitIn(objectAt(value, 'permit'));
    const before = this.#now.get(vm) ?? null;
    this.#now.set(vm, permit);
    const highest = this.#highest.get(vm) ?? 0;
    const problems: string[] = [];
    const last = value === null ? null : numberAt(value, 'lastToken');
    if (last !== null && last < highest) {
      problems.push(`${vm}: the last token went back from ${highest} to ${last}`);
    }
    if (permit !== null && (before === null || !same(before, permit))) {
      if (permit.token <= highest) {
        problems.push(`${vm}: new permit with ${show(permit)}, ${highest} was given out before`);
      }
      this.#committed.set(`${vm}/${permit.token}`, permit);
      this.#highest.set(vm, Math.max(highest, permit.token));
    }
    if (value === null) this.#now.delete(vm);
    return problems;
  }

  #commanded({ body, from, to }: FactOf<'message'>): readonly string[] {
    if (body['kind'] !== 'commands') return [];
    const problems: string[] = [];
    for (const command of listAt(body, 'commands')) {
      const kind = textAt(command, 'kind');
      if (kind === 'release') problems.push(...this.#takenAway(command, body));
      const permit = permitIn(objectAt(command, 'permit'));
      if (!namesOwner.has(kind ?? '') || permit === null) continue;
      const committed = this.#committed.get(`${permit.vm}/${permit.token}`);
      if (committed === undefined || !same(committed, permit)) {
        problems.push(
          `${from} told ${to} to ${kind} ${permit.vm} with ${show(permit)} before that was committed`,
        );
      }
    }
    return problems;
  }

  /** What runs by the permit of the record is no leftover. A deposed leader knows no better. */
  #takenAway(command: JsonObject, envelope: JsonObject): readonly string[] {
    const vm = textAt(command, 'vm') ?? '';
    const record = this.#now.get(vm) ?? null;
    const isLeftover = textAt(command, 'operation')?.startsWith('leftover/') === true;
    if (numberAt(envelope, 'epoch') !== this.#epoch) return [];
    if (!isLeftover || record?.incarnation !== textAt(envelope, 'incarnation')) return [];
    return [`${vm} is stopped as a leftover on ${record?.node} although it has its permit`];
  }

  #asked({ permit, node, boot }: FactOf<'startAsked'>): readonly string[] {
    const problems: string[] = [];
    if (permit.node !== node) problems.push(`${node} boots ${permit.vm} by ${show(permit)}`);
    if (boot !== bootOf(permit.incarnation)) {
      problems.push(`${node} boots ${permit.vm} by ${show(permit)}, of another boot`);
    }
    const record = this.#now.get(permit.vm) ?? null;
    if (record === null || !same(record, permit)) {
      const has = record === null ? 'nobody' : show(record);
      problems.push(`${node} boots ${permit.vm} by ${show(permit)}, the record has ${has}`);
    }
    return problems;
  }

  /** Within one boot a start that was asked for earlier may still come up: it is the same host. */
  #runs({ node, vm, permit, ground }: FactOf<'vmRuns'>): readonly string[] {
    if (permit === null) return [];
    const record = this.#now.get(vm) ?? null;
    const covered =
      record !== null &&
      record.node === node &&
      record.token >= permit.token &&
      bootOf(record.incarnation) === ground.boots.get(node);
    if (covered) return [];
    const has = record === null ? 'nobody' : show(record);
    return [`${vm} came up on ${node} by ${show(permit)}, the record has ${has}`];
  }
}
