import {
  numberAt,
  objectAt,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type JsonObject,
  type WriteFact,
} from './history.ts';

const facts = ['write', 'left heartbeat', 'left ack', 'contained'] as const;

/** Heartbeats remembered per node and manager. */
const keptHeartbeats = 64;
/** Clocks of a run may differ by more than what is promised. */
const driftShare = 0.06;

/**
 * The numbers of a proof by time, worked out again from what was seen on the wire: no lease that was
 * acknowledged, by whichever manager, may have been sent for later than the bound before the proof
 * was committed; and only a node that was recorded as self-fencing, by a watchdog that keeps to the
 * cluster's time, is proven so. A petter that pets on has left nothing that its agent ever let in.
 */
export class SelfFencingChecker implements Checker {
  readonly name = 'selfFencing';
  readonly facts = facts;
  /** By `node>manager`, then by sequence: when the heartbeat left. */
  readonly #sent = new Map<string, Map<number, number>>();
  /** By node: when the last heartbeat left that was answered with a lease. */
  readonly #leased = new Map<string, number>();
  readonly #proven = new Set<string>();
  #timing: JsonObject | null = null;

  take(fact: Fact, atMs: number): readonly string[] {
    if (fact.kind === 'message') {
      if (fact.stage === 'left') this.#message(fact);
      return [];
    }
    if (fact.kind === 'contained') {
      return fact.left.map(
        ({ vm, token }) => `the petter of ${fact.node} pets on beside ${vm} of token ${token}`,
      );
    }
    if (fact.kind !== 'write' || fact.value === null) return [];
    if (fact.key === 'settings') this.#timing = objectAt(fact.value, 'timing');
    return fact.key.startsWith('fence/') ? this.#fence(fact, fact.value, atMs) : [];
  }

  #message({ from, to, body, sentAtMs }: FactOf<'message'>): void {
    const sequence = numberAt(body, 'sequence') ?? -1;
    if (body['kind'] === 'heartbeat') {
      const sent = this.#sent.get(`${from}>${to}`) ?? new Map<number, number>();
      this.#sent.set(`${from}>${to}`, sent.set(sequence, sentAtMs));
      if (sent.size > keptHeartbeats) sent.delete(sent.keys().next().value ?? -1);
    }
    if (body['kind'] !== 'ack' || body['lease'] !== true) return;
    const sentMs = this.#sent.get(`${to}>${from}`)?.get(sequence);
    if (sentMs === undefined) return;
    this.#leased.set(to, Math.max(sentMs, this.#leased.get(to) ?? 0));
  }

  #fence({ key }: WriteFact, value: JsonObject, atMs: number): readonly string[] {
    const proof = objectAt(value, 'proof');
    if (proof?.['kind'] !== 'selfFence') {
      this.#proven.delete(key);
      return [];
    }
    if (this.#proven.has(key)) return [];
    this.#proven.add(key);
    const node = textAt(value, 'node') ?? '';
    const incarnation = objectAt(value, 'incarnation');
    const watchdog = incarnation === null ? null : objectAt(incarnation, 'watchdog');
    if (incarnation?.['isolation'] !== 'selfFencing' || watchdog === null) {
      return [`${key} proves ${node} dead by time although it keeps its VMs`];
    }
    const timing = this.#timing ?? {};
    const ms = (name: string): number => numberAt(timing, name) ?? 0;
    const problems: string[] = [];
    const measuredMs = numberAt(watchdog, 'measuredMs') ?? Number.POSITIVE_INFINITY;
    if (watchdog['strength'] !== 'strong' || measuredMs > ms('watchdogMs') + 1000) {
      problems.push(`${key} relies on a watchdog that was not shown to reset ${node} in time`);
    }
    const rounds = watchdog['held'] === true ? 2 : 3;
    const boundMs = ms('leaseTtlMs') + ms('graceMs') + rounds * ms('watchdogMs') + ms('marginMs');
    const passedMs = atMs - (this.#leased.get(node) ?? 0);
    if (passedMs < boundMs * (1 - driftShare)) {
      problems.push(
        `${key} proves ${node} dead ${Math.round(passedMs)} ms after the heartbeat of its last lease; the bound is ${boundMs} ms`,
      );
    }
    return problems;
  }
}
