import type { HypervisorDomain, HypervisorResult } from '../../agent/hypervisor.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import { samePermit } from '../../src/core/model/permit.ts';

/** Simulated times, in ms. */
export interface SimLatency {
  /** One round trip to the daemon. */
  readonly callMs: number;
  /** From the start command to a running guest; 0.5 to 1.5 of it when the host has a random. */
  readonly startMs: number;
  readonly destroyMs: number;
  /** Destroy of a VM whose process hangs: libvirt waits before it kills. */
  readonly hungDestroyMs: number;
  /** From a shutdown request until the guest is off. */
  readonly shutdownMs: number;
  /** From a running process to a guest that answers. */
  readonly guestBootMs: number;
}

/** `start` is the boot command; the definition before it is a call of its own. */
export type SimCall =
  | 'list'
  | 'capacity'
  | 'usage'
  | 'define'
  | 'start'
  | 'shutdown'
  | 'destroy'
  | 'undefine'
  | 'setPermit'
  | 'xml'
  | 'migrate'
  | 'abortMigration'
  | 'migration'
  | 'resume'
  | 'pingGuest'
  | 'act'
  /** Between two daemons: the target makes a domain for the copy, and is told that it is whole. */
  | 'arrive'
  | 'finish';

/** What happens to the next call of one kind. */
export type SimFault =
  /** No effect, no answer. */
  | { readonly kind: 'lost' }
  /** The effect comes this late and the answer never. */
  | { readonly kind: 'ackLost'; readonly effectAfterMs: number }
  | { readonly kind: 'fails'; readonly code: string; readonly message: string };

/** One domain as the host keeps it, for oracles. */
export interface SimDomain {
  readonly vm: VmId;
  name: string;
  /** Permit and XML of the stored half; null for a domain started by hand. */
  stored: { readonly permit: Permit | null; readonly xml: string } | null;
  /** Permit of the running half; undefined while it is off. */
  live: { readonly permit: Permit | null } | undefined;
  /**
   * Its process exists because of a migration, and its guest stands still: it waits for the copy, has
   * it whole, or has given it away. It can write nothing.
   */
  transit: {
    readonly permit: Permit | null;
    readonly kind: 'incoming' | 'arrived' | 'outgoing';
  } | null;
  state: HypervisorDomain['state'];
  reason: string;
  autostart: boolean;
  savedState: boolean;
  /** How often it was booted; tells two runs apart. */
  boots: number;
  /** Its process hangs: a request to shut down is never answered. */
  hung: boolean;
  /** Whether its guest answers: not while it boots, and not once it hangs. */
  guest: 'booting' | 'up' | 'silent';
}

export const defaultLatency: SimLatency = {
  callMs: 1,
  startMs: 600,
  destroyMs: 100,
  hungDestroyMs: 10_000,
  shutdownMs: 2000,
  guestBootMs: 1500,
};

/** How one VM takes to being started and stopped, for as long as it is set. */
export interface SimTemper {
  /** Asked each time that its QEMU would come up; false = it dies at once. */
  readonly starts: () => boolean;
  /** False = it answers no request to shut down, and its process survives every kill. */
  readonly stops: boolean;
  /** Asked while it is migrated; false = it changes its memory faster than it is copied. */
  readonly converges?: () => boolean;
  /** Asked each time that it is to be migrated from here; false = nothing comes of it. */
  readonly migrates?: () => boolean;
}

/** How a call that reached the daemon ends. */
export type SimOutcome<T> = Exclude<HypervisorResult<T>, { readonly kind: 'ambiguous' }>;

/** What a call does inside the host: an end at once, one that takes time, or none ever. */
export type SimWork<T> =
  | SimOutcome<T>
  | { readonly kind: 'later'; readonly afterMs: number; readonly finish: () => SimOutcome<T> }
  /** Ends when it tells so. */
  | { readonly kind: 'open'; readonly run: (end: (outcome: SimOutcome<T>) => void) => void }
  | { readonly kind: 'never' };

/** A process exists. */
export const isActive = (domain: SimDomain): boolean =>
  domain.live !== undefined || domain.transit !== null;

export const done: SimOutcome<void> = { kind: 'ok', value: undefined };
export const failed = (
  code: string,
  message: string,
): Extract<SimOutcome<never>, { readonly kind: 'failed' }> => ({
  kind: 'failed',
  code,
  message,
});

/** The end of a start that finds the VM active. */
export function alreadyActive(domain: SimDomain, permit: Permit): SimOutcome<void> {
  const live = domain.live?.permit ?? null;
  if (domain.transit !== null)
    return failed('activeWithOtherPermit', `${domain.name} is in transit`);
  if (live !== null && samePermit(live, permit)) return done;
  return failed('activeWithOtherPermit', `${domain.name} is already active with another permit`);
}

/** A domain that is off and has no definition yet. */
export function newDomain(vm: VmId, name: string): SimDomain {
  return {
    vm,
    name,
    stored: null,
    live: undefined,
    transit: null,
    state: 'shutOff',
    reason: 'unknown',
    autostart: false,
    savedState: false,
    boots: 0,
    hung: false,
    guest: 'booting',
  };
}
