import type { CallOptions } from '../../src/client/deadline.ts';
import type { Client } from '../../src/client/client.ts';
import type { Outcome } from '../../src/core/problem.ts';
import type { PlacedVm } from './place-names.ts';
import type { Watch } from './watch.ts';

/** How long somebody looks for a leader that answers, and the pause between two tries, ms. */
const patienceMs = 60_000;
const retryMs = 250;

const passing: ReadonlySet<string> = new Set(['E_NOT_LEADER', 'E_UNAVAILABLE', 'E_AMBIGUOUS']);

/** Gives commands one after the other; the timeline does not wait for them. */
export class Person {
  readonly refused: string[] = [];
  readonly #watch: Watch;
  readonly #signal: AbortSignal;
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(watch: Watch, signal: AbortSignal) {
    this.#watch = watch;
    this.#signal = signal;
  }

  get waiting(): number {
    return this.#waiting;
  }

  vm(verb: keyof typeof send, { vm, service }: PlacedVm): void {
    this.#give(`${verb} ${service}`, async () => {
      let outcome: Outcome<unknown> | null = null;
      await this.#watch.client.call(verb, vm, async (client, options) => {
        outcome = await send[verb](client, vm, options);
        return outcome;
      });
      return outcome;
    });
  }

  fence(node: string, reason: string, override: boolean): void {
    this.#watch.observer.noteNow({ kind: 'fenceAsked', node });
    const { client } = this.#watch.site;
    this.#give(`fence ${node}`, () => client.fenceNode(node, { reason, override }));
  }

  confirmOff(node: string, reason: string): void {
    const { client } = this.#watch.site;
    this.#give(`confirm off ${node}`, () => client.confirmOff(node, { fence: null, reason }));
  }

  #give(text: string, ask: () => Promise<Outcome<unknown> | null>): void {
    this.#waiting += 1;
    this.#turn = this.#turn.then(() => this.#carryOn(text, ask));
  }

  async #carryOn(text: string, ask: () => Promise<Outcome<unknown> | null>): Promise<void> {
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      const outcome = await ask();
      const code = outcome?.kind === 'problem' ? outcome.problem.code : null;
      const again = code !== null && passing.has(code) && performance.now() < untilMs;
      if (!again || this.#signal.aborted) {
        if (outcome?.kind === 'problem') {
          this.refused.push(`${text}: ${code}: ${outcome.problem.because}`);
        }
        this.#waiting -= 1;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

const send = {
  start: (client: Client, vm: string, options: CallOptions) => client.startVm(vm, options),
  stop: (client: Client, vm: string, options: CallOptions) =>
    client.stopVm(vm, { force: true, reason: 'scenario' }, options),
  disable: (client: Client, vm: string, options: CallOptions) =>
    client.disableVm(vm, { force: true, reason: 'scenario' }, options),
  ignore: (client: Client, vm: string, options: CallOptions) => client.ignoreVm(vm, options),
} as const;
