import {
  listAt,
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type WriteFact,
} from './history.ts';

const facts = [
  'write',
  // Whatever an agent says shows that it is heard.
  'delivered hello',
  'delivered heartbeat',
  'delivered report',
  'delivered sightings',
  'delivered result',
  'delivered xml',
] as const;

/** A report that young, from a node that is heard, speaks of now, ms. */
const freshMs = 900;
/** How long a domain must have run for the leader to have been told, ms. */
const toldMs = 3000;

interface Seat {
  reportedActive: ReadonlySet<string>;
  heardMs: number;
}

/**
 * What runs without a right is stopped before its VM runs elsewhere, and before its node is let in
 * (FAILURES N21, V15): no VM is given to a node while another one is heard and reports it running,
 * and no new boot is admitted while a VM of the cluster runs on it.
 */
export class PlacementChecker implements Checker {
  readonly name = 'placement';
  readonly facts = facts;
  readonly #seats = new Map<string, Seat>();
  readonly #permits = new Map<string, string | null>();
  readonly #incarnations = new Map<string, string | null>();
  readonly #ignored = new Set<string>();
  #leader: string | null = null;

  take(fact: Fact, atMs: number): readonly string[] {
    if (fact.kind === 'message') {
      if (fact.stage === 'delivered') this.#message(fact, atMs);
      return [];
    }
    if (fact.kind !== 'write') return [];
    if (fact.key === 'leader') {
      this.#leader = fact.value === null ? null : textAt(fact.value, 'candidate');
    }
    if (fact.key.startsWith('node/')) return this.#node(fact, atMs);
    return fact.key.startsWith('vm/') ? this.#vm(fact, atMs) : [];
  }

  #message({ from, to, body }: FactOf<'message'>, atMs: number): void {
    const seat = this.#seats.get(`${from}>${to}`) ?? { reportedActive: new Set(), heardMs: atMs };
    this.#seats.set(`${from}>${to}`, seat);
    seat.heardMs = atMs;
    const report = objectAt(body, 'report');
    if (report === null) return;
    const active = listAt(report, 'domains').filter((domain) => domain['active'] === true);
    seat.reportedActive = new Set(active.map((domain) => textAt(domain, 'vm') ?? ''));
  }

  #vm({ key, value, ground }: WriteFact, atMs: number): readonly string[] {
    const vm = key.slice('vm/'.length);
    const node = value === null ? null : (permitIn(objectAt(value, 'permit'))?.node ?? null);
    const before = this.#permits.get(vm) ?? null;
    this.#permits.set(vm, node);
    if (value === null) this.#permits.delete(vm);
    if (value !== null && textAt(value, 'desired') === 'ignored') this.#ignored.add(vm);
    if (node === null || node === before) return [];
    return ground
      .liveOn(vm)
      .filter((live) => live.node !== node && atMs - live.sinceMs > toldMs)
      .filter((live) => {
        const seat = this.#seats.get(`${live.node}>${this.#leader ?? ''}`);
        return seat?.reportedActive.has(vm) === true && atMs - seat.heardMs < freshMs;
      })
      .map((live) => `${vm} was given to ${node} while ${live.node} reports it running`);
  }

  #node({ key, value, ground }: WriteFact, atMs: number): readonly string[] {
    const node = key.slice('node/'.length);
    const incarnation = value === null ? null : objectAt(value, 'incarnation');
    const id = incarnation === null ? null : textAt(incarnation, 'id');
    const before = this.#incarnations.get(node) ?? null;
    this.#incarnations.set(node, id);
    const boot = incarnation === null ? null : textAt(incarnation, 'bootId');
    if (id === null || before !== null || ground.boots.get(node) !== boot) return [];
    if (value === null || textAt(value, 'phase') !== 'online') return [];
    return ground
      .liveAt(node)
      .filter(({ vm }) => this.#permits.has(vm) && !this.#ignored.has(vm))
      .filter(({ vm, sinceMs }) => this.#permits.get(vm) !== node && atMs - sinceMs > toldMs)
      .map(({ vm }) => `${node} was admitted while ${vm} runs on it without a permit`);
  }
}
