import { listAt, objectAt, textAt } from '../checkers/history.ts';
import type { Fact, JsonObject, WriteFact } from '../checkers/history.ts';

/** Steps of a failover, each counted from the last heartbeat of the node that any manager got. */
export const recoveryStages = ['detected', 'proven', 'started'] as const;

export type RecoveryStage = (typeof recoveryStages)[number];

/** Counts per bucket of `recoveryBucketsMs`, by `<proof>/<stage>`. */
export type RecoveryCounts = Readonly<Record<string, readonly number[]>>;

/** One distribution of a report. The last count is of what took longer than every bound. */
export interface RecoveryHistogram {
  readonly proof: string;
  readonly stage: RecoveryStage;
  /** Upper bounds, ms, each about a tenth above the one before. */
  readonly bucketsMs: readonly number[];
  /** One more than there are bounds. */
  readonly counts: readonly number[];
}

const perDecade = 24;

/** From 100 ms to 1000 s. */
export const recoveryBucketsMs: readonly number[] = Array.from(
  { length: 4 * perDecade + 1 },
  (_, index) => Math.round(100 * 10 ** (index / perDecade)),
);

interface Open {
  readonly aliveMs: number;
  readonly detectedMs: number;
  proven: boolean;
  proof: string | null;
  readonly started: Set<string>;
}

/**
 * Measures failovers by true time: from the wires and the committed records, not from the times
 * that the records tell, which go by wall clocks that are stepped.
 */
export class RecoveryTimes {
  /** Messages that it is to be told of. */
  readonly messages = ['delivered heartbeat'] as const;
  readonly #counts = new Map<string, number[]>();
  readonly #aliveMs = new Map<string, number>();
  readonly #open = new Map<string, Open>();

  counts(): RecoveryCounts {
    return Object.fromEntries(this.#counts);
  }

  take(fact: Fact, atMs: number): void {
    if (fact.kind === 'message') {
      if (fact.stage === 'delivered' && fact.body['kind'] === 'heartbeat') {
        this.#aliveMs.set(fact.from, fact.sentAtMs);
      }
    } else if (fact.kind === 'write' && fact.key.startsWith('failover/')) this.#record(fact, atMs);
  }

  #record({ key, value }: WriteFact, atMs: number): void {
    if (value === null) return;
    const failover = this.#open.get(key) ?? this.#begun(value, atMs);
    if (failover === null) return;
    this.#open.set(key, failover);
    const proof = objectAt(value, 'proof');
    if (proof !== null && !failover.proven) {
      failover.proven = true;
      failover.proof = textAt(proof, 'kind');
      this.#count(failover, 'detected', failover.detectedMs);
      this.#count(failover, 'proven', atMs);
    }
    for (const vm of listAt(value, 'vms')) {
      const name = textAt(vm, 'vm');
      if (name === null || textAt(vm, 'startedAt') === null || failover.started.has(name)) continue;
      failover.started.add(name);
      this.#count(failover, 'started', atMs);
    }
    if (textAt(value, 'outcome') !== 'open') this.#open.delete(key);
  }

  /** Null for a node that was never heard: there is nothing to count from. */
  #begun(value: JsonObject, atMs: number): Open | null {
    if (textAt(value, 'outcome') !== 'open') return null;
    const aliveMs = this.#aliveMs.get(textAt(value, 'node') ?? '');
    if (aliveMs === undefined) return null;
    return { aliveMs, detectedMs: atMs, proven: false, proof: null, started: new Set() };
  }

  #count({ aliveMs, proof }: Open, stage: RecoveryStage, atMs: number): void {
    const tookMs = Math.max(0, atMs - aliveMs);
    const found = recoveryBucketsMs.findIndex((boundMs) => tookMs <= boundMs);
    const bucket = found < 0 ? recoveryBucketsMs.length : found;
    const name = `${proof ?? 'none'}/${stage}`;
    const counts = this.#counts.get(name) ?? noCounts();
    this.#counts.set(name, counts);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
}

export function addRecoveries(a: RecoveryCounts, b: RecoveryCounts): RecoveryCounts {
  const sum: Record<string, readonly number[]> = { ...a };
  for (const [name, counts] of Object.entries(b)) {
    const before = sum[name];
    sum[name] =
      before === undefined ? counts : counts.map((count, index) => count + (before[index] ?? 0));
  }
  return sum;
}

export function histogramsOf(counts: RecoveryCounts): readonly RecoveryHistogram[] {
  const proofs = [...new Set(Object.keys(counts).map((name) => name.split('/')[0] ?? ''))].sort();
  return proofs.flatMap((proof) =>
    recoveryStages.flatMap((stage) => {
      const found = counts[`${proof}/${stage}`];
      return found === undefined
        ? []
        : [{ proof, stage, bucketsMs: recoveryBucketsMs, counts: found }];
    }),
  );
}

const noCounts = (): number[] => Array.from({ length: recoveryBucketsMs.length + 1 }, () => 0);
