/** What people can be told of, beside the history itself. */
export type AlertKind =
  | 'fenced'
  | 'blocked'
  | 'governor'
  | 'quarantine'
  | 'unprotected'
  | 'bmcLied'
  | 'managerLost'
  | 'alertsLost';

/**
 * Somebody who is told. What is secret of a webhook, the path of its address included, is sealed
 * apart from this.
 */
export interface AlertRecord {
  readonly kind: 'alert';
  /** Name, given by a person. */
  readonly id: string;
  readonly target:
    | {
        readonly kind: 'webhook';
        readonly host: string;
        readonly port: number;
        /** SHA-256 of the certificate that it must show; null = one that an authority vouches for. */
        readonly pin: string | null;
      }
    /** A program in the managers' directory of alert programs. */
    | { readonly kind: 'exec'; readonly program: string };
  /** What it is told of; empty = everything. */
  readonly kinds: readonly AlertKind[];
  /** Number of the last event that it was told of, or need not be. */
  readonly cursor: number;
  /** Events that were let go before it could be told. */
  readonly lost: number;
}

const kindsByCode: Readonly<Record<string, AlertKind>> = {
  NODE_FENCED: 'fenced',
  FENCE_BLOCKED: 'blocked',
  GOVERNOR_HOLDS: 'governor',
  GOVERNOR_RELEASED: 'governor',
  NODE_QUARANTINED: 'quarantine',
  NODE_UNQUARANTINED: 'quarantine',
  NODE_UNPROTECTED: 'unprotected',
  BMC_LIED: 'bmcLied',
  PROOF_REVOKED: 'bmcLied',
  MANAGER_LOST: 'managerLost',
  MANAGER_BACK: 'managerLost',
  ALERTS_LOST: 'alertsLost',
};

/** Every kind, for help and checks. */
export const alertKinds: readonly AlertKind[] = [...new Set(Object.values(kindsByCode))];

/** Whether an event is told to somebody; null = nobody is. */
export function alertKindOf(code: string): AlertKind | null {
  return kindsByCode[code] ?? null;
}
