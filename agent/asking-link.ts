import type { Env, Timer } from '../src/env/env.ts';
import type { JsonValue, MessageChannel, NetworkAddress } from '../src/env/network.ts';

export interface AskingLinkOptions<A extends { readonly sequence: number }> {
  readonly env: Env;
  readonly address: NetworkAddress;
  /** Who is expected there; for people. */
  readonly name: string;
  readonly isExpected: (peer: MessageChannel['peer']) => boolean;
  /** How long a connection may take to be made, and how soon a failed one is tried again, in ms. */
  readonly dialTimeoutMs: number;
  readonly redialMs: number;
  /** Questions without an answer after which a connection is given up. */
  readonly unansweredMax: number;
  readonly question: (sequence: number) => JsonValue;
  /** Null = no answer to what was asked. */
  readonly read: (value: JsonValue) => A | null;
  /** `sentMs`: boot-time clock before the sending of the question that this answers. */
  readonly onAnswer: (answer: A, sentMs: number) => void;
}

/**
 * The asking end towards another agent: numbered questions over one connection, made again when it is
 * lost. An answer is as old as its question: one that waited in a buffer says nothing newer.
 */
export class AskingLink<A extends { readonly sequence: number }> {
  readonly #options: AskingLinkOptions<A>;
  readonly #abort = new AbortController();
  readonly #sent = new Map<number, number>();
  #sequence = 0;
  #channel: MessageChannel | null = null;
  #redial: Timer | null = null;

  constructor(options: AskingLinkOptions<A>) {
    this.#options = options;
  }

  start(): void {
    void this.#dial();
  }

  stop(): void {
    this.#abort.abort();
    this.#redial?.cancel();
    this.#channel?.close('nothing is asked any more');
  }

  /** Asks once more; nothing while there is no connection. */
  ask(): void {
    const channel = this.#channel;
    if (channel === null) return;
    const { env, question, unansweredMax } = this.#options;
    if (this.#sent.size >= unansweredMax) {
      channel.close('questions without an answer');
      return;
    }
    this.#sequence += 1;
    // Read before sending: what rests on the answer counts from an instant that lies before it.
    this.#sent.set(this.#sequence, env.clock.boottimeMs());
    channel.send(question(this.#sequence));
  }

  async #dial(): Promise<void> {
    const { env, address, name, isExpected, dialTimeoutMs: timeoutMs } = this.#options;
    const { signal } = this.#abort;
    const result = await env.network.connect(address, { expectRole: 'agent', timeoutMs, signal });
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
    if (signal.aborted || !isExpected(channel.peer)) {
      channel.close(`${name} was expected here`);
      return;
    }
    this.#channel = channel;
    channel.onMessage((value) => this.#receive(channel, value));
    this.ask();
  }

  #receive(channel: MessageChannel, value: JsonValue): void {
    const answer = this.#options.read(value);
    if (answer === null) {
      channel.close('not an answer to what was asked');
      return;
    }
    const sentMs = this.#sent.get(answer.sequence);
    if (sentMs === undefined) return;
    for (const earlier of this.#sent.keys()) {
      if (earlier <= answer.sequence) this.#sent.delete(earlier);
    }
    this.#options.onAnswer(answer, sentMs);
  }

  #later(): void {
    if (this.#abort.signal.aborted) return;
    const { env, redialMs } = this.#options;
    this.#redial?.cancel();
    this.#redial = env.timers.after(redialMs, () => void this.#dial());
  }
}
