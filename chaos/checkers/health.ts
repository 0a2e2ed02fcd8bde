import { objectAt, textAt, type Checker, type Fact } from './history.ts';

const facts = ['write', 'guestSilent'] as const;

/**
 * No guest is restarted as ill that never fell silent: a node that is
 * cut off, a pause, a migration or a daemon that hangs is not the guest's fault (FAILURES V3).
 */
export class HealthChecker implements Checker {
  readonly name = 'health';
  readonly facts = facts;
  readonly #silent = new Set<string>();
  readonly #reasons = new Map<string, string | null>();

  take(fact: Fact): readonly string[] {
    if (fact.kind === 'guestSilent') this.#silent.add(fact.vm);
    if (fact.kind !== 'write' || !fact.key.startsWith('vm/')) return [];
    const id = fact.key.slice('vm/'.length);
    const reason = fact.value === null ? null : textAt(fact.value, 'reason');
    const before = this.#reasons.get(id) ?? null;
    this.#reasons.set(id, reason);
    if (fact.value === null || reason === before || reason === null) return [];
    if (!reason.includes('health check does not pass')) return [];
    const operation = objectAt(fact.value, 'operation');
    if (operation === null || textAt(operation, 'kind') !== 'release') return [];
    return this.#silent.has(id) ? [] : [`${id} is stopped as ill, and its guest never hung`];
  }
}
