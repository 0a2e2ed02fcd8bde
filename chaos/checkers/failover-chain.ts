import { hashOfRecord } from '../../src/verify/chain.ts';
import { proofSchema } from '../../src/verify/evidence.ts';
import { proofProblems } from '../../src/verify/proof.ts';
import {
  objectAt,
  textAt,
  type Checker,
  type Fact,
  type JsonObject,
  type WriteFact,
} from './history.ts';

const facts = ['write'] as const;

/**
 * Failover records are chained by hash as they end, and never change afterwards. The hash is
 * SHA-256 over the stored JSON with its own hash null; `chain` holds the last one.
 */
export class FailoverChainChecker implements Checker {
  readonly name = 'failoverChain';
  readonly facts = facts;
  readonly #sealed = new Map<string, string>();
  #last = '';

  take(fact: Fact): readonly string[] {
    if (fact.kind !== 'write') return [];
    if (fact.key === 'chain') {
      const is = fact.text ?? '';
      return is === this.#last ? [] : [`the end of the chain is ${is}, not ${this.#last}`];
    }
    return fact.key.startsWith('failover/') ? this.#record(fact) : [];
  }

  #record({ key, text, value }: WriteFact): readonly string[] {
    if (text === null || value === null) return [];
    const sealed = this.#sealed.get(key);
    if (sealed !== undefined) {
      return sealed === text ? [] : [`${key} was changed after it was closed`];
    }
    if (textAt(value, 'outcome') === 'open') return [];
    this.#sealed.set(key, text);
    const problems: string[] = [];
    const previous = textAt(value, 'previousHash');
    if (previous !== this.#last) problems.push(`${key} follows ${previous}, not ${this.#last}`);
    const hash = textAt(value, 'hash');
    if (hash !== hashOfRecord(value))
      problems.push(`${key} has the hash ${hash}, not of what it says`);
    if (textAt(value, 'outcome') === 'completed' && objectAt(value, 'proof') === null) {
      problems.push(`${key} is completed and has no proof`);
    }
    problems.push(...this.#evidence(key, value));
    this.#last = hash ?? '';
    return problems;
  }

  /** The same verifier that operators have must find every proof that is recorded to hold. */
  #evidence(key: string, value: JsonObject): readonly string[] {
    const proof = objectAt(value, 'proof');
    if (proof === null) return [];
    const parsed = proofSchema.safeParse(proof);
    if (!parsed.success) return [`${key} has a proof that cannot be read`];
    return proofProblems(parsed.data, null).map(
      (text) => `${key}: its proof does not hold: ${text}`,
    );
  }
}
