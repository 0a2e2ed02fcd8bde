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

const facts = ['write', 'left commands', 'delivered result'] as const;

interface Known {
  readonly permit: PermitFact | null;
  readonly value: JsonObject | null;
}

/**
 * Move only on proof (I2). A permit leaves the incarnation that has it only with a committed proof
 * for that incarnation, to a later agent of the same boot that carries that very token, or when the
 * domain is really gone from there, which is what an acknowledged release means; or to the target of its
 * recorded migration, once the source said that it left and it is really gone. A migration that comes to
 * nothing is over only when its target said that it dropped the copy, or is proven dead, unless no agent
 * was ever told to make one.
 */
export class OwnerChecker implements Checker {
  readonly name = 'owners';
  readonly facts = facts;
  readonly #vms = new Map<string, Known>();
  /** Incarnations that a committed, unrevoked proof covers, by fence operation. */
  readonly #proven = new Map<string, string>();

  /** Operations that an agent said it has carried out, or that it has certainly not. */
  readonly #ended = new Set<string>();

  /** Migrations that a source was told to carry out. */
  readonly #copying = new Set<string>();

  take(fact: Fact): readonly string[] {
    if (fact.kind === 'message') this.#heard(fact);
    if (fact.kind !== 'write') return [];
    if (fact.key.startsWith('fence/')) this.#fence(fact);
    return fact.key.startsWith('vm/') ? this.#vm(fact) : [];
  }

  #fence({ key, value }: WriteFact): void {
    // Ended operations are forgotten in time; what they proved stays so.
    if (value === null) return;
    const phase = textAt(value, 'phase');
    const dead = objectAt(value, 'incarnation');
    const id = dead === null ? null : textAt(dead, 'id');
    const holds = (phase === 'proven' || phase === 'closed') && objectAt(value, 'proof') !== null;
    if (holds && id !== null) this.#proven.set(key, id);
    else this.#proven.delete(key);
  }

  #vm(fact: WriteFact): readonly string[] {
    const vm = fact.key.slice('vm/'.length);
    const before = this.#vms.get(vm);
    const permit = fact.value === null ? null : permitIn(objectAt(fact.value, 'permit'));
    if (fact.value === null) this.#vms.delete(vm);
    else this.#vms.set(vm, { permit, value: fact.value });
    const old = before?.permit ?? null;
    if (old === null) return [];
    return [
      ...this.#migrationEnds(vm, before?.value ?? null, fact, permit),
      ...this.#changes(fact, vm, before?.value ?? null, old, permit),
    ];
  }

  #changes(
    fact: WriteFact,
    vm: string,
    before: JsonObject | null,
    old: PermitFact,
    permit: PermitFact | null,
  ): readonly string[] {
    if (permit !== null && permit.incarnation === old.incarnation) return [];
    if ([...this.#proven.values()].includes(old.incarnation)) return [];
    if (permit !== null && permit.node === old.node) {
      return this.#readmitted(vm, old, permit, before, fact);
    }
    const live = fact.ground.liveOn(vm).some((one) => one.node === old.node);
    const sameBoot = fact.ground.boots.get(old.node) === bootOf(old.incarnation);
    const released =
      this.#isReleased(before) || this.#isHandedOver(vm, migrationTarget(before), permit);
    if (released && !(live && sameBoot)) return [];
    const to = permit === null ? 'nobody' : `${permit.node} (token ${permit.token})`;
    const why = released ? 'it still runs there' : 'no proof and no acknowledged release';
    return [`${vm} went from ${old.node} (token ${old.token}) to ${to}: ${why}`];
  }

  /** The source said that the VM left by this migration. */
  #isHandedOver(vm: string, target: PermitFact | null, next: PermitFact | null): boolean {
    if (target === null || next === null || next.node !== target.node) return false;
    const id = `${vm}/${target.token}`;
    return this.#ended.has(`migrate/${id} done`) || this.#ended.has(`abort/${id} failed migrated`);
  }

  #migrationEnds(
    vm: string,
    before: JsonObject | null,
    { value }: WriteFact,
    next: PermitFact | null,
  ): readonly string[] {
    const target = migrationTarget(before);
    if (target === null || migrationTarget(value) !== null) return [];
    const id = `${vm}/${target.token}`;
    if (this.#isHandedOver(vm, target, next) || !this.#copying.has(`migrate/${id}`)) return [];
    if (this.#ended.has(`drop/${id} done`)) return [];
    if ([...this.#proven.values()].includes(target.incarnation)) return [];
    return [`${vm} is no longer migrated to ${target.node}, which may still have its copy`];
  }

  #heard({ stage, body }: FactOf<'message'>): void {
    if (stage === 'left' && body['kind'] === 'commands') {
      for (const command of listAt(body, 'commands')) {
        const id = textAt(command, 'operation');
        if (textAt(command, 'kind') === 'migrate' && id !== null) this.#copying.add(id);
      }
    }
    if (stage !== 'delivered' || body['kind'] !== 'result') return;
    const outcome = objectAt(body, 'outcome');
    const operation = textAt(body, 'operation');
    if (outcome === null || operation === null) return;
    this.#ended.add(`${operation} ${textAt(outcome, 'kind')}`);
    const code = textAt(outcome, 'code');
    if (code !== null) this.#ended.add(`${operation} ${textAt(outcome, 'kind')} ${code}`);
  }

  /** A release is done, or a start has certainly left nothing. */
  #isReleased(before: JsonObject | null): boolean {
    const operation = before === null ? null : objectAt(before, 'operation');
    const id = operation === null ? null : textAt(operation, 'id');
    if (operation === null || id === null) return false;
    const good = textAt(operation, 'kind') === 'release' ? 'done' : 'failed';
    return this.#ended.has(`${id} ${good}`);
  }

  /** A later agent of one boot takes over what runs, if it runs by the permit of the record. */
  #readmitted(
    vm: string,
    old: PermitFact,
    next: PermitFact,
    before: JsonObject | null,
    fact: WriteFact,
  ): readonly string[] {
    const problems: string[] = [];
    if (bootOf(old.incarnation) !== bootOf(next.incarnation)) {
      problems.push(`${vm} went to another boot of ${old.node} without proof or release`);
    }
    const operation = fact.value === null ? null : objectAt(fact.value, 'operation');
    if (operation === null || textAt(operation, 'kind') !== 'permit') return problems;
    const carried = numberAt(operation, 'previousToken');
    const written = before === null ? null : objectAt(before, 'operation');
    const underWay = written !== null && textAt(written, 'kind') === 'permit';
    const allowed = [old.token, ...(underWay ? [numberAt(written, 'previousToken')] : [])];
    if (!allowed.includes(carried)) {
      problems.push(
        `${vm} on ${old.node} was taken over with token ${carried}, the record had ${old.token}`,
      );
    }
    return problems;
  }
}

/** The permit that the target of the recorded migration would get; null = there is none. */
function migrationTarget(record: JsonObject | null): PermitFact | null {
  const move = record === null ? null : objectAt(record, 'move');
  const migration = move === null ? null : objectAt(move, 'migration');
  return migration === null ? null : permitIn(objectAt(migration, 'target'));
}
