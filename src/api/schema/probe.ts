import { z } from 'zod';
import { uuidSchema } from './primitives.ts';

/**
 * The wire between two agents: one asks whether the other lives, on a mutually authenticated channel.
 * The answer names the boot, because another boot of the same machine is no sign of life of this one.
 */
export const probeSchema = z.object({ kind: z.literal('probe'), sequence: z.int().min(0) });

export type Probe = z.infer<typeof probeSchema>;

export const probeEchoSchema = z.object({
  kind: z.literal('probeEcho'),
  sequence: z.int().min(0),
  bootId: uuidSchema,
});

export type ProbeEcho = z.infer<typeof probeEchoSchema>;
