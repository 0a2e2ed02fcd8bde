import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { SnapshotVerb } from '../../src/core/model/vm-snapshot.ts';
import { done, failed, type SimDomain, type SimOutcome, type SimWork } from './sim-domain.ts';

/** What it needs of its host. */
interface SnapshotHost {
  find(vm: VmId): SimDomain | undefined;
  turnOff(domain: SimDomain, reason: string): void;
  turnOn(domain: SimDomain, permit: Permit | null): void;
  readonly onDone: (permit: Permit | null) => void;
  readonly changed: () => void;
  /** Goes on without the daemon, as long as the machine has power. */
  after(delayMs: number, then: () => void): void;
  readonly takesMs: number;
}

/**
 * As libvirt does it inside the disks: the guest stands still while a snapshot is made or deleted; a revert
 * ends its process and starts another one by the same permit, so that it is off for a while.
 */
export function workOnSnapshot(host: SnapshotHost, vm: VmId, verb: SnapshotVerb): SimWork<void> {
  const domain = host.find(vm);
  if (domain?.live === undefined) return failed('notActive', 'the domain is not active');
  const { permit } = domain.live;
  host.onDone(permit);
  return verb === 'revert' ? revert(host, domain, permit) : stillStand(host, domain);
}

function revert(host: SnapshotHost, domain: SimDomain, permit: Permit | null): SimWork<void> {
  host.turnOff(domain, 'fromSnapshot');
  host.changed();
  const finish = (): SimOutcome<void> => {
    const now = host.find(domain.vm);
    if (now === undefined || now.live !== undefined || now.transit !== null) {
      return failed('operationInvalid', `${domain.name} is another one by now`);
    }
    host.turnOn(now, permit);
    now.reason = 'fromSnapshot';
    host.changed();
    return done;
  };
  return { kind: 'later', afterMs: host.takesMs, finish };
}

function stillStand(host: SnapshotHost, domain: SimDomain): SimWork<void> {
  const { boots, state, reason } = domain;
  domain.state = 'paused';
  domain.reason = 'snapshot';
  host.changed();
  const isThere = (): boolean =>
    host.find(domain.vm) === domain && domain.live !== undefined && domain.boots === boots;
  // A daemon that starts anew lets a guest go on that it finds standing still for this.
  host.after(host.takesMs, () => {
    if (!isThere()) return;
    domain.state = state;
    domain.reason = reason;
    host.changed();
  });
  const finish = (): SimOutcome<void> =>
    isThere() ? done : failed('operationInvalid', `${domain.name} ended meanwhile`);
  return { kind: 'later', afterMs: host.takesMs, finish };
}
