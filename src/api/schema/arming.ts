import { z } from 'zod';

/** Longer than that is no pause but a decision that should be made anew. */
const longestMs = 30 * 24 * 3_600_000;

export const disarmSchema = z.strictObject({
  mode: z.enum(['freeze', 'ignore']),
  /** Arms again by itself after this time; null = when a person says so. */
  forMs: z.int().min(1000).max(longestMs).nullable(),
});

export const armingViewSchema = z.object({
  /** Null = armed. */
  disarmed: z
    .object({
      mode: z.enum(['freeze', 'ignore']),
      since: z.string(),
      until: z.string().nullable(),
      by: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .nullable(),
});

export type Disarm = z.infer<typeof disarmSchema>;
export type ArmingView = z.infer<typeof armingViewSchema>;
