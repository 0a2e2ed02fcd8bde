import type { DomainRef } from './domain-ref.ts';
import { domainRef } from './domain-ref.ts';
import { int32, optional, string, struct } from './xdr.ts';

/** Event kinds and the procedure number of their messages. */
export const events = {
  lifecycle: { id: 0, message: 318 },
  metadataChange: { id: 23, message: 379 },
} as const;

/** `event` as in `lifecycleEvent`; `detail` says why, by event. */
export const lifecycleMessage = struct<{
  callback: number;
  domain: DomainRef;
  event: number;
  detail: number;
}>({ callback: int32, domain: domainRef, event: int32, detail: int32 });

/** `uri` is the namespace whose element changed. */
export const metadataChangeMessage = struct<{
  callback: number;
  domain: DomainRef;
  type: number;
  uri: string | null;
}>({ callback: int32, domain: domainRef, type: int32, uri: optional(string) });

/** Events of a domain's life. They are hints: no number, and lost with the connection. */
export const lifecycleEvent = {
  defined: 0,
  undefined: 1,
  started: 2,
  suspended: 3,
  resumed: 4,
  stopped: 5,
  shutdown: 6,
  crashed: 8,
} as const;
