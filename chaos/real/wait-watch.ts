import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { objectAt, textAt, type Fact, type JsonObject } from '../checkers/history.ts';
import type { Observer } from './observer.ts';

const everyMs = 1500;
const answerMs = 5000;

interface Known {
  readonly name: string;
  readonly text: string;
  readonly sinceMs: number;
}

/**
 * Asks the API about every VM that should run and does not, again and again, and notes what it
 * says: whoever waits has to be told why (I5).
 */
export class WaitWatch {
  readonly #site: WatchedCluster;
  readonly #observer: Observer;
  readonly #records = new Map<string, Known>();
  /** In which state the API showed each VM that waits, and since when without a break. */
  readonly #states = new Map<string, { readonly state: string; readonly sinceMs: number }>();
  readonly #stopping = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  constructor(site: WatchedCluster, observer: Observer) {
    this.#site = site;
    this.#observer = observer;
    observer.listen((fact, atMs) => {
      if (fact.kind === 'write' && fact.key.startsWith('vm/')) this.#written(fact, atMs);
    });
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  #written({ key, text, value }: Extract<Fact, { kind: 'write' }>, atMs: number): void {
    if (text === null || value === null) {
      this.#records.delete(key);
      return;
    }
    this.#records.set(key, { name: nameIn(value), text, sinceMs: atMs });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#round(signal);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const options = { timeoutMs: answerMs, signal };
    const { client } = this.#site;
    const vms = await client.vms(options);
    // Without a manager that answers nobody can be told anything.
    if (vms.kind === 'problem') return;
    for (const vm of vms.value) {
      if (this.#states.get(vm.id)?.state !== vm.state) {
        this.#states.set(vm.id, { state: vm.state, sinceMs: this.#observer.nowMs() });
      }
      if (vm.desired !== 'running' || vm.state === 'running' || signal.aborted) continue;
      const before = this.#records.get(`vm/${vm.id}`);
      const explained = await client.explain(vm.name, options);
      const after = this.#records.get(`vm/${vm.id}`);
      if (explained.kind === 'problem' || before === undefined || after !== before) continue;
      const { awaiting, try: steps } = explained.value;
      this.#observer.noteAfterWrites({
        kind: 'explained',
        vm: vm.name,
        state: vm.state,
        sinceMs: Math.max(before.sinceMs, this.#states.get(vm.id)?.sinceMs ?? 0),
        awaiting,
        try: steps,
        reason: vm.reason,
      });
    }
  }
}

function nameIn(value: JsonObject): string {
  const spec = objectAt(value, 'spec');
  return (spec === null ? null : textAt(spec, 'name')) ?? '';
}
