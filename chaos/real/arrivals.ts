import { z } from 'zod';
import type { Lab } from '../../deploy/lab/lab.ts';
import type { Observer } from './observer.ts';

const everyMs = 400;
const table = 'bridge kennel_arrivals';
/** An empty TLS acknowledgement is shorter, a heartbeat longer. */
const heartbeatBytes = 150;

const countersSchema = z.object({
  nftables: z.array(
    z.object({ counter: z.object({ name: z.string(), packets: z.number() }).optional() }),
  ),
});

/**
 * Counts on the wire what reaches the manager's machine from each node, behind every fault of a
 * link: the packet filter counts what the bridge has let pass. So a node whose heartbeats arrive
 * is known to be alive without asking who should have heard them.
 */
export class Arrivals {
  readonly #lab: Lab;
  readonly #observer: Observer;
  /** Nodes that something keeps from being heard; what arrives from them says nothing. */
  readonly #isTroubled: (node: string) => boolean;
  readonly #counts = new Map<string, number>();
  readonly #stopping = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  constructor(lab: Lab, observer: Observer, isTroubled: (node: string) => boolean) {
    this.#lab = lab;
    this.#observer = observer;
    this.#isTroubled = isTroubled;
  }

  async start(): Promise<void> {
    const manager = this.#lab.managerAddress();
    const names = this.#lab.nodes().map((node) => node.name.replace('-', '_'));
    const rules = this.#lab
      .nodes()
      .map(
        ({ name, address }) =>
          `add rule ${table} passed ip saddr ${address} ip daddr ${manager} meta length > ${heartbeatBytes} counter name ${name.replace('-', '_')}`,
      );
    await this.#nft(`add table ${table}`);
    await this.#nft(
      [
        ...names.map((name) => `add counter ${table} ${name}`),
        `add chain ${table} passed { type filter hook postrouting priority 0; }`,
        ...rules,
      ].join('; '),
    );
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await this.#nft(`delete table ${table}`);
  }

  async #nft(...words: readonly string[]): Promise<string> {
    return (await this.#lab.execInFabric(['nft', ...words])).stdout;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    let lastMs = this.#observer.nowMs();
    while (!signal.aborted) {
      const nowMs = this.#observer.nowMs();
      const text = await this.#nft('-j', `list counters table ${table}`);
      // Whatever arrived since the last look may have done so right after it.
      this.#read(text, lastMs);
      lastMs = nowMs;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  #read(text: string, atMs: number): void {
    const parsed = countersSchema.safeParse(text === '' ? null : JSON.parse(text));
    if (!parsed.success) return;
    for (const { counter } of parsed.data.nftables) {
      if (counter === undefined) continue;
      const node = counter.name.replace('_', '-');
      const before = this.#counts.get(node) ?? 0;
      this.#counts.set(node, counter.packets);
      if (counter.packets === before || this.#isTroubled(node)) continue;
      const ends = { from: node, to: 'manager-1', sentAtMs: atMs };
      const body = { kind: 'heartbeat' };
      this.#observer.noteAt({ kind: 'message', stage: 'arrived', ...ends, body }, atMs);
    }
  }
}
