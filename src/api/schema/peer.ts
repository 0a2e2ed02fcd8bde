import { z } from 'zod';
import { nameSchema } from './primitives.ts';

/**
 * The wire between two managers, on the session port: the one that dials says where it stands, the
 * other answers with its own. Nothing is decided on it but who counts as reachable.
 */
export const peerMessageSchema = z.object({
  kind: z.enum(['peerPing', 'peerPong']),
  name: nameSchema,
  /** Newest revision that it holds a copy of; 0 = none yet. */
  revision: z.int().min(0),
  /** Its epoch while it leads; null = it does not. */
  leading: z.int().min(0).nullable(),
});

export type PeerMessage = z.infer<typeof peerMessageSchema>;
