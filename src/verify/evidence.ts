import { z } from 'zod';

/**
 * What a verifier reads, by its own word: it shares no code with the managers that wrote it, so that
 * a mistake of theirs is not repeated here. Unknown fields are let be; unknown proofs are not.
 */

const readingSchema = z.object({
  device: z.string(),
  atMs: z.number(),
  power: z.string(),
  identity: z.string().nullable(),
});

export const proofSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('powerOff'),
    devices: z.array(
      z.object({
        device: z.string(),
        identity: z.string().nullable(),
        settleMs: z.number(),
        readings: z.array(readingSchema),
      }),
    ),
    silentMs: z.number(),
  }),
  z.object({ kind: z.literal('newBoot'), oldBoot: z.string(), newBoot: z.string() }),
  z.object({
    kind: z.literal('selfFence'),
    boundMs: z.number(),
    elapsedMs: z.number(),
    leaseTtlMs: z.number(),
    graceMs: z.number(),
    watchdogMs: z.number(),
    watchdogRounds: z.number(),
    clockRateBound: z.number(),
    marginMs: z.number(),
    watchdog: z.object({
      strength: z.string(),
      timeoutMs: z.number(),
      measuredMs: z.number().nullable(),
      nowayout: z.boolean(),
      held: z.boolean(),
    }),
  }),
  z.object({ kind: z.literal('kdump'), from: z.string() }),
  z.object({ kind: z.literal('storageCut'), devices: z.array(z.string()) }),
  z.object({ kind: z.literal('attested'), actor: z.string(), reason: z.string() }),
]);

export const failoverSchema = z.object({
  id: z.string(),
  node: z.string(),
  fence: z.string(),
  proof: z.unknown(),
  vms: z.array(
    z.object({
      name: z.string(),
      from: z.string(),
      to: z.string().nullable(),
      placedAt: z.string().nullable(),
      startedAt: z.string().nullable(),
    }),
  ),
  outcome: z.enum(['open', 'cancelled', 'completed']),
  hash: z.string().nullable(),
  previousHash: z.string().nullable(),
});

export const fenceSchema = z.object({
  id: z.string(),
  node: z.string(),
  incarnation: z.object({ id: z.string(), bootId: z.string(), isolation: z.string() }),
  proof: z.unknown(),
  revoked: z.array(z.object({ proof: z.unknown() })),
});

export const exportSchema = z.object({
  format: z.literal('kennel-failovers/1'),
  clusterId: z.string(),
  chain: z.string().nullable(),
  records: z.array(z.object({ failover: z.unknown(), fence: z.unknown() })),
});

export type Proof = z.infer<typeof proofSchema>;
export type Failover = z.infer<typeof failoverSchema>;
export type Fence = z.infer<typeof fenceSchema>;
