import { z } from 'zod';
import { isHost } from './host-name.ts';

/** Where a BMC answers. */
export const bmcHost = z
  .string({
    error: 'host: a BMC name or address is required, for example bmc-1.example or 10.0.0.11',
  })
  .refine(isHost, {
    error: 'host: not a host name or an address; valid: bmc-1.example, 10.0.0.11, fd00::11',
  })
  .describe('name or address of the BMC');

export function bmcPort(transport: 'TCP' | 'UDP', usual: number): z.ZodDefault<z.ZodInt> {
  const outside = { error: `port: must be 1 to 65535; valid: ${usual}` };
  return z
    .int({ error: `port: not a ${transport} port number; valid: ${usual}` })
    .min(1, outside)
    .max(65_535, outside)
    .default(usual)
    .describe(`${transport} port`);
}

/** The account, of a form that the protocol of the driver knows. */
export function bmcUser(form: RegExp, error: string): z.ZodString {
  return z
    .string({ error: 'user: the BMC account is required, for example kennel' })
    .regex(form, { error })
    .describe('account at the BMC, which needs no more than to switch power');
}

export type Parsed<T> =
  | { readonly kind: 'ok'; readonly settings: T }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Validates settings as a person gave them. Every problem names the field and a valid example. */
export function parseBmcSettings<T>(
  schema: z.ZodType<T> & { readonly shape: object },
  input: unknown,
): Parsed<T> {
  const valid = Object.keys(schema.shape).join(', ');
  const result = schema.safeParse(input, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')}: not a setting of this driver; valid: ${valid} (the password is a secret, not a setting)`
        : undefined,
  });
  if (result.success) return { kind: 'ok', settings: result.data };
  return { kind: 'invalid', problems: result.error.issues.map((issue) => issue.message) };
}
