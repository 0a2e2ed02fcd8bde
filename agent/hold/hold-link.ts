import { readPromise } from '../../src/api/schema/peer-hold.ts';
import type { Env, Timer } from '../../src/env/env.ts';
import type { JsonValue, MessageChannel, NetworkAddress } from '../../src/env/network.ts';

/** How long a connection may take to be made, and how soon a failed one is tried again, in ms. */
const dialTimeoutMs = 1000;
const redialMs = 500;
/** Questions without an answer after which a connection is given up. */
const unansweredMax = 4;

export interface HoldLinkOptions {
  readonly env: Env;
  readonly clusterId: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly address: NetworkAddress;
  /** It promised in answer to a question sent then, boot-time ms. */
  readonly onPromise: (sentMs: number) => void;
}

/** The asking end towards one member. It exists only while promises are needed. */
export class HoldLink {
  readonly #options: HoldLinkOptions;
  readonly #abort = new AbortController();
  readonly #sent = new Map<number, number>();
  #sequence = 0;
  #channel: MessageChannel | null = null;
  #redial: Timer | null = null;

  constructor(options: HoldLinkOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#dial();
  }

  stop(): void {
    this.#abort.abort();
    this.#redial?.cancel();
    this.#channel?.close('no promise is needed any more');
  }

  /** Asks once more; nothing while there is no connection. */
  ask(): void {
    const channel = this.#channel;
    if (channel === null) return;
    if (this.#sent.size >= unansweredMax) {
      channel.close('questions without an answer');
      return;
    }
    this.#sequence += 1;
    // Read before sending: the promise counts from an instant that lies before it.
    this.#sent.set(this.#sequence, this.#options.env.clock.boottimeMs());
    channel.send({ kind: 'promiseAsk', sequence: this.#sequence });
  }

  async #dial(): Promise<void> {
    const { env, address, clusterId, name, fingerprint } = this.#options;
    const { signal } = this.#abort;
    const result = await env.network.connect(address, {
      expectRole: 'agent',
      timeoutMs: dialTimeoutMs,
      signal,
    });
    if (result.kind === 'failed') {
      this.#later();
      return;
    }
    const { channel } = result;
    channel.onClose(() => {
      if (this.#channel === channel) this.#channel = null;
      this.#sent.clear();
      this.#later();
    });
    const { peer } = channel;
    const isMember =
      peer.name === name && peer.clusterId === clusterId && peer.fingerprint === fingerprint;
    if (signal.aborted || !isMember) {
      channel.close(`${name} was expected here`);
      return;
    }
    this.#channel = channel;
    channel.onMessage((value) => this.#receive(channel, value));
    this.ask();
  }

  #receive(channel: MessageChannel, value: JsonValue): void {
    const answer = readPromise(value);
    if (answer === null) {
      channel.close('not an answer to what was asked');
      return;
    }
    const sentMs = this.#sent.get(answer.sequence);
    if (sentMs === undefined) return;
    for (const earlier of this.#sent.keys()) {
      if (earlier <= answer.sequence) this.#sent.delete(earlier);
    }
    if (answer.promised) this.#options.onPromise(sentMs);
  }

  #later(): void {
    if (this.#abort.signal.aborted) return;
    this.#redial?.cancel();
    this.#redial = this.#options.env.timers.after(redialMs, () => void this.#dial());
  }
}
