import type { Env } from '../../src/env/env.ts';
import { MemoryCluster } from '../../src/store/memory/memory-cluster.ts';
import type { AmbiguousEffect } from '../../src/store/memory/memory-cluster.ts';
import type { StateMachine } from '../../src/store/state-machine.ts';
import { storeApart } from '../../src/store/membership.ts';
import type { Store, Transaction, Write, WriteOutcome } from '../../src/store/store.ts';
import { enrol } from './enrolment.ts';
import type { RandomStream } from './random.ts';
import type { SimStore, StoreOfSeat, StoreSeat } from './sim-store.ts';

export interface MemorySimStoreOptions {
  readonly env: Pick<Env, 'clock' | 'timers'>;
  readonly random: RandomStream;
  readonly leaseMs: number;
  /** Longest way to the store or back. */
  readonly latencyMs: number;
}

/** A consistent store that any number of managers reach over links that can be cut. */
export class MemorySimStore implements SimStore {
  readonly #cluster: MemoryCluster;
  readonly #clients = new Map<string, Store>();

  constructor({ env, random, leaseMs, latencyMs }: MemorySimStoreOptions) {
    this.#cluster = new MemoryCluster({
      env,
      leaseMs,
      latencyMs: () => random.between(0.3, latencyMs),
    });
  }

  get machine(): StateMachine {
    return this.#cluster.machine;
  }

  get leader(): string | null {
    return this.#cluster.leader;
  }

  prepare(writes: readonly Write[]): Promise<void> {
    return enrol(this.#cluster.connect('enrolment'), writes);
  }

  async open({ manager, env, process }: StoreSeat): Promise<StoreOfSeat> {
    const store = this.#cluster.connect(manager, env);
    process.onDeath(() => this.#cluster.kill(manager));
    return { store, membership: storeApart, network: env.network };
  }

  evaluate(transaction: Transaction): WriteOutcome {
    return this.#cluster.evaluate(transaction);
  }

  client(name: string): Store {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = this.#cluster.connect(name);
    this.#clients.set(name, client);
    return client;
  }

  proposedAtMs(): null {
    return null;
  }

  peers(): readonly string[] {
    return [];
  }

  cut(client: string): void {
    this.#cluster.cut(client);
  }

  heal(client: string): void {
    this.#cluster.heal(client);
  }

  makeNextWriteAmbiguous(client: string, effect: AmbiguousEffect): void {
    this.#cluster.makeNextWriteAmbiguous(client, effect);
  }

  expire(candidate: string, options: { readonly tell: boolean }): boolean {
    return this.#cluster.expire(candidate, options);
  }

  forgetHistory(): void {
    this.#cluster.compact();
  }
}
