import { z } from 'zod';
import { bmcHost, bmcPort, bmcUser, parseBmcSettings, type Parsed } from '../bmc-settings.ts';

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

export const redfishSettingsSchema = z.strictObject({
  host: bmcHost,
  port: bmcPort('TCP', 443),
  user: bmcUser(
    /^[!-9;-~]{1,64}$/,
    'user: must be 1 to 64 printable ASCII characters without space and ":"; valid: kennel',
  ),
  auth: z
    .enum(['basic', 'session'], { error: 'auth: must be basic or session' })
    .default('basic')
    .describe('basic, or session to log in and out around every call'),
  // A number where the last part of the path is one.
  system: z
    .union([z.string(), z.int()])
    .transform(String)
    .refine((text) => /^[!-~]{1,255}$/.test(text), {
      error:
        'system: not a path or name of a system; valid: /redfish/v1/Systems/1, System.Embedded.1',
    })
    .optional()
    .describe('path or name of the system, where a service has several'),
  uuid: z
    .string()
    .toLowerCase()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, {
      error: 'uuid: not a UUID; valid: 4c4c4544-0051-3510-8054-b7c04f4a3332',
    })
    .optional()
    .describe('UUID of the system, where a service has several; learned otherwise'),
  certificate: z
    .string()
    .transform((text) => text.replaceAll(':', '').toLowerCase())
    .refine((text) => /^[0-9a-f]{64}$/.test(text), {
      error:
        'certificate: not a SHA-256 fingerprint (64 hex digits); leave it out to have it learned',
    })
    .optional()
    .describe('SHA-256 of its certificate, to be checked now; learned when it is left out'),
});

export function parseRedfishSettings(input: unknown): Parsed<RedfishSettings> {
  return parseBmcSettings(redfishSettingsSchema, input);
}
