import { z } from 'zod';
import { isHost } from '../host-name.ts';

export interface RedfishSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly auth: 'basic' | 'session';
  /** Path of the system, or its last part; needed where one service manages several machines. */
  readonly system?: string | undefined;
  /** Which machine it is. The system is found by it again when its path changes. */
  readonly uuid?: string | undefined;
  /** SHA-256 of the BMC's certificate, 64 lower-case hex digits. */
  readonly certificate?: string | undefined;
}

const valid = 'host, port, user, auth, system, uuid, certificate';

const schema = z.strictObject({
  host: z
    .string({
      error: 'host: a BMC name or address is required, for example bmc-1.example or 10.0.0.11',
    })
    .refine(isHost, {
      error: 'host: not a host name or an address; valid: bmc-1.example, 10.0.0.11, fd00::11',
    }),
  port: z
    .int({ error: 'port: not a TCP port number; valid: 443' })
    .min(1, { error: 'port: must be 1 to 65535; valid: 443' })
    .max(65_535, { error: 'port: must be 1 to 65535; valid: 443' })
    .default(443),
  user: z
    .string({ error: 'user: the BMC account is required, for example kennel' })
    .regex(/^[!-9;-~]{1,64}$/, {
      error:
        'user: must be 1 to 64 printable ASCII characters without space and ":"; valid: kennel',
    }),
  auth: z.enum(['basic', 'session'], { error: 'auth: must be basic or session' }).default('basic'),
  // A number where the last part of the path is one.
  system: z
    .union([z.string(), z.int()])
    .transform(String)
    .refine((text) => /^[!-~]{1,255}$/.test(text), {
      error:
        'system: not a path or name of a system; valid: /redfish/v1/Systems/1, System.Embedded.1',
    })
    .optional(),
  uuid: z
    .string()
    .toLowerCase()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, {
      error: 'uuid: not a UUID; valid: 4c4c4544-0051-3510-8054-b7c04f4a3332',
    })
    .optional(),
  certificate: z
    .string()
    .transform((text) => text.replaceAll(':', '').toLowerCase())
    .refine((text) => /^[0-9a-f]{64}$/.test(text), {
      error:
        'certificate: not a SHA-256 fingerprint (64 hex digits); leave it out to have it learned',
    })
    .optional(),
});

/** Validates settings as a person gave them. Every problem names the field and a valid example. */
export function parseRedfishSettings(
  input: unknown,
):
  | { readonly kind: 'ok'; readonly settings: RedfishSettings }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] } {
  const result = schema.safeParse(input, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')}: not a setting of this driver; valid: ${valid} (the password is a secret, not a setting)`
        : undefined,
  });
  if (result.success) return { kind: 'ok', settings: result.data };
  return { kind: 'invalid', problems: result.error.issues.map((issue) => issue.message) };
}
