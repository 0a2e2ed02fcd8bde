import { z } from 'zod';
import { alertKinds } from '../../core/model/alert.ts';
import { portSchema } from './primitives.ts';

/** Who is told of what, and how. What is secret comes in and never goes out. */

const alertKindSchema = z.enum(alertKinds as [string, ...string[]]);

const hostSchema = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$/, 'must be a host name or address');

/** What can stand in a request line and a header without becoming something else. */
const visible = /^[\x21-\x7e]+$/;

export const programSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be the name of a file in /etc/kennel/alert.d');

export const addAlertSchema = z.strictObject({
  target: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('webhook'),
      host: hostSchema,
      port: portSchema,
      /** SHA-256 of the certificate, lower-case hex; null = an authority vouches for it. */
      pin: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')
        .nullable(),
      path: z.string().max(2048).regex(visible).startsWith('/'),
      token: z.string().min(1).max(4096).regex(visible).nullable(),
    }),
    z.strictObject({ kind: z.literal('exec'), program: programSchema }),
  ]),
  /** Empty = everything. */
  kinds: z.array(alertKindSchema).max(32),
});

export const alertViewSchema = z.object({
  name: z.string(),
  /** `https://host:port/…` or the path of the program; nothing secret. */
  target: z.string(),
  kinds: z.array(z.string()),
  /** Events that it was not told of yet. */
  behind: z.int(),
  lost: z.int(),
  failures: z.int(),
  lastError: z.string().nullable(),
});

/** Whether it could be told just now. */
export const alertTestViewSchema = z.object({
  name: z.string(),
  told: z.boolean(),
  because: z.string().nullable(),
});

export type AddAlert = z.infer<typeof addAlertSchema>;
export type AlertView = z.infer<typeof alertViewSchema>;
export type AlertTestView = z.infer<typeof alertTestViewSchema>;
