import { z } from 'zod';
import { isHost } from '../host-name.ts';

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

const schema = z.strictObject({
  host: z
    .string({
      error: 'host: a BMC name or address is required, for example bmc-1.example or 10.0.0.11',
    })
    .refine(isHost, {
      error: 'host: not a host name or an address; valid: bmc-1.example, 10.0.0.11, fd00::11',
    }),
  port: z
    .int({ error: 'port: not a UDP port number; valid: 623' })
    .min(1, { error: 'port: must be 1 to 65535; valid: 623' })
    .max(65_535, { error: 'port: must be 1 to 65535; valid: 623' })
    .default(623),
  user: z
    .string({ error: 'user: the BMC account is required, for example kennel' })
    .regex(userName, {
      error:
        'user: must be 1 to 16 printable ASCII characters without space, not beginning with "-"; valid: kennel',
    }),
  cipherSuite: z
    .union([z.literal(3), z.literal(17)], {
      error:
        'cipherSuite: must be 17 or 3 (suite 0 needs no password); leave it out to have it probed',
    })
    .optional(),
});

/** Validates settings as a person gave them. Every problem names the field and a valid example. */
export function parseIpmiSettings(
  input: unknown,
):
  | { readonly kind: 'ok'; readonly settings: IpmiSettings }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] } {
  const result = schema.safeParse(input, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')}: not a setting of this driver; valid: host, port, user, cipherSuite (the password is a secret, not a setting)`
        : undefined,
  });
  if (result.success) return { kind: 'ok', settings: result.data };
  return { kind: 'invalid', problems: result.error.issues.map((issue) => issue.message) };
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
