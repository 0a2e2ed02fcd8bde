import { KennelError } from '../../errors/kennel-error.ts';

const mask = '[redacted]';
const maxDepth = 6;
const maxItems = 200;
const maxText = 8192;

/** Names under which a secret may stand, also as the last word of a longer name (`keyPem`). */
const secretName = /(password|passphrase|secret|key|token|credential)s?(pem|hex)?$/i;

/** Secrets that give themselves away wherever they stand. */
const secretText =
  /(kjt1\.[0-9a-f]{1,16}\.)[\w-]+|(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^]*?(-----END|$)/g;

/** A text without join tokens and private keys, cut to a bound. */
export function redactText(text: string): string {
  const cut = text.length > maxText ? `${text.slice(0, maxText)}...` : text;
  return cut.replaceAll(secretText, (_all, token: string | undefined, begin: string | undefined) =>
    token === undefined ? `${begin ?? ''}${mask}` : `${token}${mask}`,
  );
}

/**
 * A copy of log fields that holds no secrets and is bounded in depth and size. Numbers under a
 * secret name stay, because the token of a permit is a number and no secret; a password is never.
 */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return copyObject(fields, 0);
}

function copyObject(
  fields: Readonly<Record<string, unknown>>,
  depth: number,
): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, maxItems);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      isSecret(name, value) ? mask : copyValue(value, depth, name),
    ]),
  );
}

function isSecret(name: string, value: unknown): boolean {
  if (value === null || value === undefined || !secretName.test(name)) return false;
  const harmless = typeof value === 'number' || typeof value === 'boolean';
  return !harmless || /pass|secret/i.test(name);
}

function copyValue(value: unknown, depth: number, name: string): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error || (name === 'err' && value !== null)) return errorFields(value, 0);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxDepth) return '[deeper]';
  if (Array.isArray(value)) {
    return value.slice(0, maxItems).map((item) => copyValue(item, depth + 1, ''));
  }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return copyObject(value as Record<string, unknown>, depth + 1);
}

/**
 * An error as code, message and the chain of causes. One without a code is a defect in the
 * program, and only there the stack says more than the message.
 */
function errorFields(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) {
    return typeof error === 'object' && error !== null
      ? copyObject(error as Record<string, unknown>, 1)
      : redactText(String(error));
  }
  const code = error instanceof KennelError ? error.code : 'code' in error ? error.code : undefined;
  const cause = error.cause === undefined || depth >= 4 ? undefined : error.cause;
  return {
    ...(code === undefined ? {} : { code }),
    message: redactText(error.message),
    ...(code === undefined && depth === 0 ? { stack: redactText(error.stack ?? '') } : {}),
    ...(cause === undefined ? {} : { cause: errorFields(cause, depth + 1) }),
  };
}
