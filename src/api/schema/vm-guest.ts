import { z } from 'zod';
import { nameSchema, portSchema } from './primitives.ts';

const hostSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]{0,254}$/, 'must be a host name or an address');

/** `GuestCheck` of the core. */
export const guestCheckSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('agent') }),
  z.strictObject({ kind: z.literal('tcp'), host: hostSchema, port: portSchema }),
  z.strictObject({
    kind: z.literal('http'),
    host: hostSchema,
    port: portSchema,
    path: z.string().regex(/^\/[!-~]{0,1023}$/, 'must begin with / and have no spaces'),
  }),
]);

const dayMs = 24 * 3_600_000;

/** `VmDependency` of the core. */
export const vmDependencySchema = z.strictObject({
  vm: nameSchema,
  gate: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('running') }),
    z.strictObject({ kind: z.literal('delay'), ms: z.int().min(0).max(dayMs) }),
    ...guestCheckSchema.options,
  ]),
  timeoutMs: z.int().min(0).max(dayMs),
  onTimeout: z.enum(['continue', 'hold']),
});

/** `GuestPolicy` of the core. */
export const guestPolicySchema = z.strictObject({
  onShutdown: z.enum(['restart', 'stayOff']),
  onCrash: z.enum(['restart', 'dump', 'preserve', 'stayOff']),
  health: z
    .strictObject({
      check: guestCheckSchema,
      intervalMs: z.int().min(1000).max(3_600_000),
      timeoutMs: z.int().min(100).max(60_000),
      failures: z.int().min(1).max(100),
      graceMs: z.int().min(0).max(dayMs),
    })
    .nullable(),
});
