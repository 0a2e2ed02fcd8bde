import { z } from 'zod';
import { nameSchema, uuidSchema } from './primitives.ts';

/*
 * The wire of peer hold (docs/peer-hold.md): what a leader tells agents of it, and the question and the
 * answer between two agents, on the channel on which they probe each other.
 */

const timeSchema = z.int().min(1);

/** Who counts, as committed, and where they can be asked; takes the place of what was told before. */
export const holdListSchema = z.object({
  kind: z.literal('hold'),
  clusterId: uuidSchema,
  epoch: z.int().min(0),
  /** Grows with every membership of this store. */
  number: z.int().min(1),
  /** Acknowledged in the report. */
  mark: z.string().min(1).max(64),
  /** `HoldTimes` of the core, ms. */
  leaseMs: timeSchema,
  bindMs: timeSchema,
  promiseMs: timeSchema,
  keepMs: timeSchema,
  /** All members; fewer than three: nobody is held. */
  members: z
    .array(
      z.object({
        name: nameSchema,
        fingerprint: z.string().min(1).max(128),
        /** Null = it has not said where. */
        address: z.string().min(1).max(262).nullable(),
      }),
    )
    .max(4096),
});

export type HoldList = z.infer<typeof holdListSchema>;

/** Of a report: the membership that the agent uses, and whether it lives by the others' promises now. */
export const reportedHoldSchema = z.object({
  mark: z.string().min(1).max(64),
  held: z.boolean(),
});

/** "Promise that you hold no lease, and that you will take none for a while." */
const promiseAskSchema = z.object({ kind: z.literal('promiseAsk'), sequence: z.int().min(0) });

export type PromiseAsk = z.infer<typeof promiseAskSchema>;

/** The answer; false = no promise is made. */
const promiseSchema = z.object({
  kind: z.literal('promise'),
  sequence: z.int().min(0),
  promised: z.boolean(),
});

export type PromiseAnswer = z.infer<typeof promiseSchema>;

export function readPromiseAsk(value: unknown): PromiseAsk | null {
  return promiseAskSchema.safeParse(value).data ?? null;
}

export function readPromise(value: unknown): PromiseAnswer | null {
  return promiseSchema.safeParse(value).data ?? null;
}
