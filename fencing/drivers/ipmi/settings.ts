import { z } from 'zod';
import { bmcHost, bmcPort, bmcUser, parseBmcSettings, type Parsed } from '../bmc-settings.ts';

/** Suites that authenticate. Suite 0 does not, and is therefore no setting. */
export type IpmiCipherSuite = 3 | 17;

export interface IpmiSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly cipherSuite?: IpmiCipherSuite | undefined;
}

/** Printable ASCII without space; 16 bytes is the protocol's own limit. */
const userName = /^[!-,./-~][!-~]{0,15}$/;

export const ipmiSettingsSchema = z.strictObject({
  host: bmcHost,
  port: bmcPort('UDP', 623),
  user: bmcUser(
    userName,
    'user: must be 1 to 16 printable ASCII characters without space, not beginning with "-"; valid: kennel',
  ),
  cipherSuite: z
    .union([z.literal(3), z.literal(17)], {
      error:
        'cipherSuite: must be 17 or 3 (suite 0 needs no password); leave it out to have it probed',
    })
    .optional()
    .describe('17 or 3; learned when it is left out'),
});

export function parseIpmiSettings(input: unknown): Parsed<IpmiSettings> {
  return parseBmcSettings(ipmiSettingsSchema, input);
}

/** Why a password cannot be used, or null. 20 bytes is the limit of the protocol (RMCP+). */
export function passwordProblem(password: string | undefined): string | null {
  if (password === undefined || password === '') {
    return 'password: missing; the device needs the secret "password"';
  }
  if (Buffer.byteLength(password, 'utf8') > 20) {
    return 'password: longer than the 20 bytes that IPMI 2.0 allows';
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(password)) return 'password: contains a control character';
  return null;
}
