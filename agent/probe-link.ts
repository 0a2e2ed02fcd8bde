import { readProbeEcho } from '../src/api/schema/frequent-messages.ts';
import type { Env, Timer } from '../src/env/env.ts';
import type { JsonValue, MessageChannel, NetworkAddress } from '../src/env/network.ts';

/** How long a connection may take to be made, and how soon a failed one is tried again, in ms. */
const dialTimeoutMs = 2000;
const redialMs = 1000;
/** Probes without an answer after which a connection is given up. */
const unansweredMax = 5;

export interface ProbeLinkOptions {
  readonly env: Env;
  readonly clusterId: string;
  readonly name: string;
  readonly address: NetworkAddress;
}

/** The latest answer of the other agent. */
interface Answer {
  readonly bootId: string;
  /** Boot-time ms at which the probe was sent that it answered. */
  readonly sentMs: number;
}

/**
 * The asking end towards one other agent. An answer is as old as its question: one that waited in a
 * buffer does not make the other agent look alive for longer than it was.
 */
export class ProbeLink {
  readonly name: string;
  readonly #options: ProbeLinkOptions;
  readonly #abort = new AbortController();
  readonly #sent = new Map<number, number>();
  #sequence = 0;
  #channel: MessageChannel | null = null;
  #redial: Timer | null = null;
  #answer: Answer | null = null;

  constructor(options: ProbeLinkOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Null = none since this agent began to ask. */
  get answer(): Answer | null {
    return this.#answer;
  }

  start(): void {
    void this.#dial();
  }

  stop(): void {
    this.#abort.abort();
    this.#redial?.cancel();
    this.#channel?.close('not probed any more');
  }

  /** Asks once more; nothing while there is no connection. */
  probe(): void {
    const channel = this.#channel;
    if (channel === null) return;
    if (this.#sent.size >= unansweredMax) {
      channel.close('probes without an answer');
      return;
    }
    this.#sequence += 1;
    this.#sent.set(this.#sequence, this.#options.env.clock.boottimeMs());
    channel.send({ kind: 'probe', sequence: this.#sequence });
  }

  async #dial(): Promise<void> {
    const { env, address, clusterId, name } = this.#options;
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
    if (signal.aborted || channel.peer.name !== name || channel.peer.clusterId !== clusterId) {
      channel.close(`${name} was expected here`);
      return;
    }
    this.#channel = channel;
    channel.onMessage((value) => this.#receive(channel, value));
    this.probe();
  }

  #receive(channel: MessageChannel, value: JsonValue): void {
    const echo = readProbeEcho(value);
    if (echo === null) {
      channel.close('not an answer to a probe');
      return;
    }
    const { sequence, bootId } = echo;
    const sentMs = this.#sent.get(sequence);
    if (sentMs === undefined) return;
    for (const earlier of this.#sent.keys()) if (earlier <= sequence) this.#sent.delete(earlier);
    this.#answer = { bootId, sentMs };
  }

  #later(): void {
    if (this.#abort.signal.aborted) return;
    this.#redial?.cancel();
    this.#redial = this.#options.env.timers.after(redialMs, () => void this.#dial());
  }
}
