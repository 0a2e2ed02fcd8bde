import type * as X509 from '@peculiar/x509';

/** Key type of every certificate: EC P-256 with SHA-256. */
export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * The X.509 library, loaded on first use: it takes some 100 ms, which only the few commands that
 * issue certificates should pay. Its decorators need `reflect-metadata` in place before.
 */
export async function loadX509(): Promise<typeof X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Moment in ms since 1970 of an ISO text; the caller took it from the environment's wall clock. */
export function momentOf(iso: string): number {
  const moment = Date.parse(iso);
  if (Number.isNaN(moment)) throw new Error(`not an ISO time: ${iso}`);
  return moment;
}
