import { z } from 'zod';
import { textSchema, uuidSchema } from './primitives.ts';

/**
 * What comes out of a guest and goes into it, on an agent's session. Output travels only as far as the
 * manager has given credit for, so that a guest that never stops talking takes no more of the session
 * than that; what a console says beyond it and beyond the agent's buffer is left out and counted.
 */

/** Output that may be under way on a session before the manager has passed it on, in bytes. */
export const streamCreditBytes = 64 * 1024;
/** The longest piece either way, in bytes. */
export const streamPieceBytes = 16 * 1024;
const encodedPiece = z.base64().max(Math.ceil(streamPieceBytes / 3) * 4);

export const streamRequestSchema = z.discriminatedUnion('kind', [
  /** Its serial console. `force`: whoever has it open loses it. */
  z.object({ kind: z.literal('console'), force: z.boolean() }),
  /** A picture of its screen, as the hypervisor makes it. */
  z.object({ kind: z.literal('screenshot') }),
]);

/** From the manager. */
export const streamInputSchema = z.object({
  kind: z.literal('streamInput'),
  stream: uuidSchema,
  data: encodedPiece,
});
export const streamCreditSchema = z.object({
  kind: z.literal('streamCredit'),
  stream: uuidSchema,
  bytes: z.int().min(1),
});
export const streamCloseSchema = z.object({ kind: z.literal('streamClose'), stream: uuidSchema });

/** From the agent. */
export const streamOpenedSchema = z.object({
  kind: z.literal('streamOpened'),
  stream: uuidSchema,
  mime: z.string().max(255).nullable(),
});
export const streamOutputSchema = z.object({
  kind: z.literal('streamOutput'),
  stream: uuidSchema,
  data: encodedPiece,
});
/** Before `streamOpened`: why it is not opened. */
export const streamClosedSchema = z.object({
  kind: z.literal('streamClosed'),
  stream: uuidSchema,
  /** Null = it came to its end in order. */
  because: textSchema.nullable(),
});

/** The answer to a request for a picture of a screen. */
export const screenshotViewSchema = z.object({
  vm: z.string(),
  node: z.string(),
  /** `image/x-portable-pixmap` or `image/png`, as that node's hypervisor makes it. */
  mime: z.string(),
  /** In base64. */
  data: z.base64(),
});

export type StreamRequest = z.infer<typeof streamRequestSchema>;
export type ScreenshotView = z.infer<typeof screenshotViewSchema>;
