import { readProbeEcho } from '../src/api/schema/frequent-messages.ts';
import type { Env } from '../src/env/env.ts';
import type { NetworkAddress } from '../src/env/network.ts';
import { AskingLink } from './asking-link.ts';

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

type Echo = NonNullable<ReturnType<typeof readProbeEcho>>;

/** Probes one other agent. */
export class ProbeLink {
  readonly name: string;
  readonly #link: AskingLink<Echo>;
  #answer: Answer | null = null;

  constructor({ env, clusterId, name, address }: ProbeLinkOptions) {
    this.name = name;
    this.#link = new AskingLink({
      env,
      address,
      name,
      isExpected: (peer) => peer.name === name && peer.clusterId === clusterId,
      dialTimeoutMs: 2000,
      redialMs: 1000,
      unansweredMax: 5,
      question: (sequence) => ({ kind: 'probe', sequence }),
      read: readProbeEcho,
      onAnswer: ({ bootId }, sentMs) => {
        this.#answer = { bootId, sentMs };
      },
    });
  }

  /** Null = none since this agent began to ask. */
  get answer(): Answer | null {
    return this.#answer;
  }

  start(): void {
    this.#link.start();
  }

  stop(): void {
    this.#link.stop();
  }

  probe(): void {
    this.#link.ask();
  }
}
