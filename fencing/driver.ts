import type { Env } from '../src/env/env.ts';
import type { PowerReading } from '../src/core/model/proof.ts';

/** The taxonomy of reference §7.1: each says whether the command may have been executed. */
export type FenceErrorCode =
  | 'AUTH_USER'
  | 'AUTH_PASSWORD'
  | 'PRIVILEGE'
  | 'CIPHER'
  | 'SESSION_LIMIT'
  | 'UNREACHABLE'
  | 'DNS'
  | 'TIMEOUT'
  | 'BMC_BUSY'
  | 'STATE'
  | 'BMC_ERROR'
  | 'HTTP'
  | 'TLS_PIN'
  | 'PROTOCOL'
  | 'CONFIG'
  | 'TOOL_MISSING'
  | 'IDENTITY_MISMATCH'
  | 'NOT_VERIFIED'
  | 'BMC_LIED'
  | 'CANCELLED'
  | 'UNKNOWN';

export interface FenceError {
  readonly code: FenceErrorCode;
  /** The device may have executed the command all the same. */
  readonly mayHaveActed: boolean;
  readonly retry: 'no' | 'yes' | 'byStatusOnly' | 'readStatusFirst' | 'nextLevel';
  /** Redacted text of the device, at most 4 KiB. */
  readonly detail: string;
}

/** `accepted` proves nothing; `unknown` is resolved by readings alone. */
export type FenceCommandResult =
  | { readonly kind: 'accepted'; readonly detail: string }
  | { readonly kind: 'rejected'; readonly error: FenceError }
  | { readonly kind: 'unknown'; readonly error: FenceError };

export type FenceReading =
  | { readonly kind: 'reading'; readonly power: PowerReading['power']; readonly detail: string }
  | { readonly kind: 'failed'; readonly error: FenceError };

export type FenceIdentity =
  | { readonly kind: 'identity'; readonly identity: string | null }
  | { readonly kind: 'failed'; readonly error: FenceError };

/** What enrolment and the periodic check learn about a device. */
export interface ProbeReport {
  readonly ok: boolean;
  readonly error: FenceError | null;
  readonly identity: string | null;
  readonly power: PowerReading['power'];
  /** Settings found by probing, to be stored with the device, for example the cipher suite. */
  readonly learned: Readonly<Record<string, string | number | boolean>>;
  /** Coded lines for the operator, for example `CIPHER_0_OPEN`. */
  readonly warnings: readonly { readonly code: string; readonly text: string }[];
  readonly latencyMs: number;
}

export interface FenceContext {
  readonly env: Env;
  /** Settings without secrets, as stored with the device. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Secret values by name. Never logged, never put into arguments or errors. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The whole call ends within this time, child processes included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface FenceCapabilities {
  readonly class: 'power' | 'storage' | 'notify';
  /** Shortest time between two commands to one device. */
  readonly minIntervalMs: number;
  /** Names of the secrets the driver needs. */
  readonly secrets: readonly string[];
  /** Secrets of other names are kept too; the probe judges them. */
  readonly takesFurtherSecrets: boolean;
}

/** One setting or secret of a driver, for people. */
export interface SettingHelp {
  readonly name: string;
  readonly summary: string;
  readonly isRequired: boolean;
  /** What holds when it is not given, as text; null = nothing, or it is learned. */
  readonly fallback: string | null;
}

/** What a person gives to a device of this kind. */
export interface DriverHelp {
  readonly summary: string;
  /** In the order in which people give them. Made from the schema that judges them. */
  readonly settings: readonly SettingHelp[];
}

export interface FencePlace {
  /** The thing that is talked to; it has one mind, however many plugs. */
  readonly address: string;
  /** Which of its plugs; null where it switches one machine only. */
  readonly plug: string | null;
}

/** A place in words, as it is recorded with a device. */
export function outletText({ address, plug }: FencePlace): string {
  return plug === null ? address : `${address}, plug ${plug}`;
}

/** One kind of fence device. Remote failures are results; only bugs throw. */
export interface FenceDriver {
  readonly kind: string;
  readonly capabilities: FenceCapabilities;
  readonly help: DriverHelp;
  /** Where these settings lead. Two devices that switch the same thing are at the same place. */
  place(settings: FenceContext['settings']): FencePlace;
  /** Validates settings as given by a person. Errors name field, reason and a valid example. */
  parseSettings(
    input: unknown,
  ):
    | { readonly kind: 'ok'; readonly settings: FenceContext['settings'] }
    | { readonly kind: 'invalid'; readonly problems: readonly string[] };
  probe(context: FenceContext): Promise<ProbeReport>;
  identity(context: FenceContext): Promise<FenceIdentity>;
  status(context: FenceContext): Promise<FenceReading>;
  off(context: FenceContext): Promise<FenceCommandResult>;
  on(context: FenceContext): Promise<FenceCommandResult>;
}
