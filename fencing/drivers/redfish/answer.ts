import { z } from 'zod';
import type { HttpsResult } from '../../../src/env/https.ts';
import type { FenceError, FenceErrorCode } from '../../driver.ts';
import { fenceError } from '../../fence-error.ts';

type During = 'command' | 'reading';

/** A path on the same service. Never an address: credentials go nowhere else. */
const path = z.string().regex(/^\/[!-.0-~][!-~]{0,1022}$/);
const link = z.object({ '@odata.id': path });

export const rootSchema = z.object({
  Systems: link,
  Links: z.object({ Sessions: link }).optional(),
});

/** One service manages at most a chassis full of machines. */
export const maxSystems = 64;
export const collectionSchema = z.object({ Members: z.array(link).max(maxSystems) });

export const systemSchema = z.object({
  '@odata.id': path.optional(),
  UUID: z.string().nullish(),
  PowerState: z.string().nullish(),
  Actions: z
    .object({
      '#ComputerSystem.Reset': z
        .object({
          target: path,
          'ResetType@Redfish.AllowableValues': z.array(z.string()).optional(),
          '@Redfish.ActionInfo': path.optional(),
        })
        .optional(),
    })
    .optional(),
});

export const actionInfoSchema = z.object({
  Parameters: z.array(
    z.object({ Name: z.string(), AllowableValues: z.array(z.string()).optional() }),
  ),
});

const errorSchema = z.object({
  error: z.object({
    code: z.string().optional(),
    message: z.string().optional(),
    '@Message.ExtendedInfo': z
      .array(z.object({ MessageId: z.string().optional(), Message: z.string().optional() }))
      .optional(),
  }),
});

/** The lower-case UUID; null where a service gives none, or one that names no machine. */
export function normalUuid(text: string | null | undefined): string | null {
  const uuid = (text ?? '').toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) return null;
  return /^[0-]+$|^[f-]+$/.test(uuid) ? null : uuid;
}

/** `PoweringOff` is not Off, and `Paused` is a machine with power. */
export function powerOf(state: string | null | undefined): 'on' | 'off' | 'transition' | 'unknown' {
  if (state === 'On' || state === 'Paused') return 'on';
  if (state === 'Off') return 'off';
  return state === 'PoweringOn' || state === 'PoweringOff' ? 'transition' : 'unknown';
}

const failures: Readonly<Record<(HttpsResult & { kind: 'failed' })['because'], FenceErrorCode>> = {
  dns: 'DNS',
  unreachable: 'UNREACHABLE',
  pin: 'TLS_PIN',
  timeout: 'TIMEOUT',
  aborted: 'CANCELLED',
  protocol: 'PROTOCOL',
};

/** What an exchange without an answer means. A command that may have left may have acted. */
export function exchangeError(
  result: HttpsResult & { readonly kind: 'failed' },
  during: During,
): FenceError {
  const mayHaveActed = during === 'command' && result.sent;
  // A connection that broke after a command had left is a lost answer, not a BMC that is not there.
  const isLostAnswer = mayHaveActed && result.because === 'unreachable';
  const code = isLostAnswer ? 'TIMEOUT' : failures[result.because];
  return { ...fenceError(code, result.detail, during), mayHaveActed };
}

/** What a status that is no success means. `detail` must be redacted. */
export function statusError(
  answer: HttpsResult & { readonly kind: 'answered' },
  detail: string,
  during: During,
): FenceError {
  const { status } = answer;
  const ids = messageIds(answer.body);
  const certain = (code: FenceErrorCode): FenceError => ({
    ...fenceError(code, detail, during),
    mayHaveActed: false,
  });
  if (ids.some((id) => /SessionLimitExceeded/.test(id))) return certain('SESSION_LIMIT');
  if (status === 401) return certain('AUTH_PASSWORD');
  if (status === 403) return certain('PRIVILEGE');
  if (status === 429) return certain('BMC_BUSY');
  if (status === 409) {
    const isBusy = ids.some((id) => /ResourceInUse|InProgress|Busy|Locked/i.test(id));
    return certain(isBusy ? 'BMC_BUSY' : 'STATE');
  }
  // The service's own word that it refused; a bare 503 may come from a server in front of it.
  if (status === 503 && ids.length > 0) return certain('BMC_BUSY');
  if (status >= 500) return fenceError('HTTP', detail, during);
  return { ...certain('HTTP'), retry: 'no' };
}

/** Status and messages of an answer, for people. */
export function answerText(answer: HttpsResult & { readonly kind: 'answered' }): string {
  const parsed = parseJson(errorSchema, answer.body);
  const error = parsed?.error;
  const texts = [
    ...(error?.['@Message.ExtendedInfo'] ?? []).map((one) => one.Message ?? one.MessageId ?? ''),
    ...(error?.message === undefined ? [] : [error.message]),
  ];
  return [`HTTP ${answer.status}`, ...new Set(texts)].join('; ');
}

export function parseJson<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function messageIds(body: string): readonly string[] {
  const error = parseJson(errorSchema, body)?.error;
  if (error === undefined) return [];
  const extended = (error['@Message.ExtendedInfo'] ?? []).map((one) => one.MessageId ?? '');
  return [...extended, error.code ?? ''].filter((id) => id !== '');
}
