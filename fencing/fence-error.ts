import type { FenceError, FenceErrorCode, ProbeReport } from './driver.ts';

interface CodeFacts {
  readonly retry: FenceError['retry'];
  /** What holds for a power command that ended so. A reading never acts. */
  readonly commandMayHaveActed: boolean;
}

/** Longest text of a device that is kept. */
const maxDetailLength = 4096;

const facts: Readonly<Record<FenceErrorCode, CodeFacts>> = {
  AUTH_USER: { retry: 'no', commandMayHaveActed: false },
  AUTH_PASSWORD: { retry: 'no', commandMayHaveActed: false },
  PRIVILEGE: { retry: 'no', commandMayHaveActed: false },
  CIPHER: { retry: 'no', commandMayHaveActed: false },
  SESSION_LIMIT: { retry: 'yes', commandMayHaveActed: false },
  UNREACHABLE: { retry: 'yes', commandMayHaveActed: false },
  DNS: { retry: 'yes', commandMayHaveActed: false },
  TIMEOUT: { retry: 'byStatusOnly', commandMayHaveActed: true },
  BMC_BUSY: { retry: 'yes', commandMayHaveActed: false },
  STATE: { retry: 'readStatusFirst', commandMayHaveActed: false },
  BMC_ERROR: { retry: 'byStatusOnly', commandMayHaveActed: true },
  HTTP: { retry: 'byStatusOnly', commandMayHaveActed: true },
  TLS_PIN: { retry: 'no', commandMayHaveActed: false },
  PROTOCOL: { retry: 'no', commandMayHaveActed: true },
  CONFIG: { retry: 'no', commandMayHaveActed: false },
  TOOL_MISSING: { retry: 'no', commandMayHaveActed: false },
  IDENTITY_MISMATCH: { retry: 'no', commandMayHaveActed: false },
  NOT_VERIFIED: { retry: 'nextLevel', commandMayHaveActed: true },
  BMC_LIED: { retry: 'nextLevel', commandMayHaveActed: true },
  CANCELLED: { retry: 'byStatusOnly', commandMayHaveActed: true },
  UNKNOWN: { retry: 'byStatusOnly', commandMayHaveActed: true },
};

/**
 * An error of the taxonomy with what follows from its code. `detail` must be redacted already; it
 * is cut to 4 KiB. `during` says whether a power command or a mere reading ended so.
 */
export function fenceError(
  code: FenceErrorCode,
  detail: string,
  during: 'command' | 'reading',
): FenceError {
  const { retry, commandMayHaveActed } = facts[code];
  return {
    code,
    mayHaveActed: during === 'command' && commandMayHaveActed,
    retry,
    detail: detail.slice(0, maxDetailLength),
  };
}

/** The report of a probe that failed with this error. */
export function failedProbe(error: FenceError): ProbeReport {
  return {
    ok: false,
    error,
    identity: null,
    power: 'unknown',
    learned: {},
    warnings: [],
    latencyMs: 0,
  };
}

/** Replaces every secret value in a text. Devices and tools may echo what they were given. */
export function redact(text: string, secrets: Readonly<Record<string, string>>): string {
  const values = Object.values(secrets)
    .filter((value) => value !== '')
    .sort((a, b) => b.length - a.length);
  return values.reduce((rest, value) => rest.replaceAll(value, '***'), text);
}
