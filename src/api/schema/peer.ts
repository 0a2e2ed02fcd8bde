import { z } from 'zod';
import { nameSchema, uuidSchema } from './primitives.ts';

/** More nodes than one manager serves. */
export const maxHeard = 4096;

/**
 * The wire between two managers, on the session port: the one that dials says where it stands, the
 * other answers with its own. On it rests who counts as reachable, and that a node which another
 * manager hears is not powered off.
 */
export const peerMessageSchema = z.object({
  kind: z.enum(['peerPing', 'peerPong']),
  name: nameSchema,
  /** Newest revision that it holds a copy of; 0 = none yet. */
  revision: z.int().min(0),
  /** Its epoch while it leads; null = it does not. */
  leading: z.int().min(0).nullable(),
  /** In an answer to whoever leads: the boots that it had a heartbeat of, and how long ago, ms. */
  heard: z
    .array(z.object({ node: nameSchema, bootId: uuidSchema, ageMs: z.number().min(0) }))
    .max(maxHeard)
    .optional(),
});

export type HeardNode = NonNullable<PeerMessage['heard']>[number];

export type PeerMessage = z.infer<typeof peerMessageSchema>;
