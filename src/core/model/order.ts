import type { GuestCheck } from './guest.ts';

/** When a VM counts as ready for those that depend on it. Ready is a start, not a VM: one that ended is not. */
export type Gate =
  /** Its owner reports it running. */
  | { readonly kind: 'running' }
  /** It has been running for so long. */
  | { readonly kind: 'delay'; readonly ms: number }
  | GuestCheck;

/** A VM that is to be ready before this one starts. */
export interface VmDependency {
  /** Name of the other VM. */
  readonly vm: string;
  readonly gate: Gate;
  /** How long it is waited for, from when this VM could start. */
  readonly timeoutMs: number;
  /** What then: start all the same, or wait on until it is ready or a person starts it. */
  readonly onTimeout: 'continue' | 'hold';
}

/** Kept in a VM's record from when it could start until it does. */
export interface OrderWait {
  /** ISO wall-clock, for people. */
  readonly since: string;
  /** Names of those whose time is over. */
  readonly overdue: readonly string[];
  /** A person had enough of it: it starts without them. */
  readonly overruled?: boolean;
}
