import type { NetworkAddress } from './network.ts';

/** Whether something answers at an address. Nothing is told to it and nothing of what it says is kept. */
export interface Reach {
  /** Null = a connection was taken; else why not. Never rejects. */
  tcp(address: NetworkAddress, timeoutMs: number): Promise<string | null>;
  /** Null = GET was answered with a status of 200 to 399; else why not. Never rejects. */
  http(
    address: NetworkAddress & { readonly path: string },
    timeoutMs: number,
  ): Promise<string | null>;
}

/** Where nothing can be reached. */
export const noReach: Reach = {
  tcp: () => Promise.resolve('nothing can be reached here'),
  http: () => Promise.resolve('nothing can be reached here'),
};
