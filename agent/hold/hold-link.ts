import { readPromise, type PromiseAnswer } from '../../src/api/schema/peer-hold.ts';
import type { Env } from '../../src/env/env.ts';
import type { NetworkAddress } from '../../src/env/network.ts';
import { AskingLink } from '../asking-link.ts';

export interface HoldLinkOptions {
  readonly env: Env;
  readonly clusterId: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly address: NetworkAddress;
  /** It promised in answer to a question sent then, boot-time ms. */
  readonly onPromise: (sentMs: number) => void;
}

/** Asks one member for promises. It exists only while they are needed. */
export function holdLink(options: HoldLinkOptions): AskingLink<PromiseAnswer> {
  const { env, clusterId, name, fingerprint, address, onPromise } = options;
  return new AskingLink({
    env,
    address,
    name,
    isExpected: (peer) =>
      peer.name === name && peer.clusterId === clusterId && peer.fingerprint === fingerprint,
    dialTimeoutMs: 1000,
    redialMs: 500,
    unansweredMax: 4,
    question: (sequence) => ({ kind: 'promiseAsk', sequence }),
    read: readPromise,
    onAnswer: ({ promised }, sentMs) => {
      if (promised) onPromise(sentMs);
    },
  });
}
