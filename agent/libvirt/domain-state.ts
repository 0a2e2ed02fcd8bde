import type { HypervisorDomain } from '../hypervisor.ts';

/** libvirt's numbers of a domain's state. */
export const domainState = {
  running: 1,
  blocked: 2,
  paused: 3,
  shuttingDown: 4,
  shutOff: 5,
  crashed: 6,
} as const;

const names: Readonly<Record<number, HypervisorDomain['state']>> = {
  [domainState.running]: 'running',
  [domainState.blocked]: 'running',
  [domainState.paused]: 'paused',
  [domainState.shuttingDown]: 'shuttingDown',
  [domainState.shutOff]: 'shutOff',
  [domainState.crashed]: 'crashed',
};

/** libvirt's reasons by state. A reason is history: `migrated` stays for as long as it runs. */
const reasons: Readonly<Record<number, readonly string[]>> = {
  [domainState.running]: [
    'unknown',
    'booted',
    'migrated',
    'restored',
    'fromSnapshot',
    'unpaused',
    'migrationCancelled',
    'saveCancelled',
    'wakeup',
    'crashed',
    'postCopy',
    'postCopyFailed',
  ],
  [domainState.paused]: [
    'unknown',
    'user',
    'migration',
    'save',
    'dump',
    'ioError',
    'watchdog',
    'fromSnapshot',
    'shuttingDown',
    'snapshot',
    'crashed',
    'startingUp',
    'postCopy',
    'postCopyFailed',
  ],
  [domainState.shuttingDown]: ['unknown', 'user'],
  [domainState.shutOff]: [
    'unknown',
    'shutdown',
    'destroyed',
    'crashed',
    'migrated',
    'saved',
    'failed',
    'fromSnapshot',
    'daemon',
  ],
  [domainState.crashed]: ['unknown', 'panicked'],
};

/** libvirt's state and reason numbers in our words. Numbers of a newer libvirt are `unknown`. */
export function describeState(
  state: number,
  reason: number,
): Pick<HypervisorDomain, 'state' | 'reason'> {
  return { state: names[state] ?? 'other', reason: reasons[state]?.[reason] ?? 'unknown' };
}

/** The number of a reason word of a state; 0 when libvirt has no such word. */
export function reasonNumber(state: number, reason: string): number {
  return Math.max(0, (reasons[state] ?? []).indexOf(reason));
}
