import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../env.ts';

/** Randomness from the kernel. */
export function realRandom(): Random {
  return {
    // 53 bits, as many as a fraction below 1 can hold.
    fraction: () => Number(randomBytes(8).readBigUInt64BE() >> 11n) / 2 ** 53,
    uuid: () => randomUUID(),
  };
}
