import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import {
  done,
  failed,
  isActive,
  newDomain,
  type SimDomain,
  type SimOutcome,
} from './sim-domain.ts';

/** What it needs of its host. */
interface TransitHost {
  readonly domains: Map<VmId, SimDomain>;
  readonly onDiskWriter: (vm: VmId, running: boolean, permit: Permit | null) => void;
  readonly changed: () => void;
}

/** The domains of a host whose guests stand still because of a migration: coming, come, or leaving. */
export class SimTransit {
  readonly #domains: Map<VmId, SimDomain>;
  readonly #onDiskWriter: TransitHost['onDiskWriter'];
  readonly #changed: () => void;

  constructor({ domains, onDiskWriter, changed }: TransitHost) {
    this.#domains = domains;
    this.#onDiskWriter = onDiskWriter;
    this.#changed = changed;
  }

  /** For a migration that comes here: makes a domain that waits for the copy. */
  arrive(from: SimDomain, permit: Permit): SimOutcome<void> {
    const there = this.#domains.get(from.vm);
    if (there !== undefined && isActive(there))
      return failed('domainBusy', `${from.name} is active here`);
    const domain = there ?? newDomain(from.vm, from.name);
    const xml = from.stored?.xml ?? '';
    this.#domains.set(from.vm, domain);
    domain.stored = { permit, xml };
    domain.transit = { permit, kind: 'incoming' };
    domain.state = 'paused';
    domain.reason = 'migration';
    this.#changed();
    return done;
  }

  /** The copy is whole. It stands still until somebody wakes it. */
  finish(vm: VmId): SimOutcome<void> {
    const domain = this.#domains.get(vm);
    if (domain?.transit?.kind !== 'incoming') return failed('noDomain', `${vm} does not come here`);
    domain.transit = { ...domain.transit, kind: 'arrived' };
    domain.reason = 'user';
    this.#changed();
    return done;
  }

  /** What a domain that waits for a copy carries; null = none waits. */
  incoming(vm: VmId): SimDomain['transit'] {
    const transit = this.#domains.get(vm)?.transit ?? null;
    return transit?.kind === 'incoming' ? transit : null;
  }

  /** The copy will not come; with `permit`, the one that was to carry it. */
  drop(vm: VmId, permit: Permit | null = null): void {
    const domain = this.#domains.get(vm);
    if (domain === undefined || domain.transit?.kind !== 'incoming') return;
    if (permit !== null && domain.transit.permit?.token !== permit.token) return;
    this.#domains.delete(vm);
    this.#changed();
  }

  /** The guest of one that leaves stands still. */
  stand(domain: SimDomain): void {
    const { live } = domain;
    if (live === undefined) return;
    domain.live = undefined;
    domain.transit = { permit: live.permit, kind: 'outgoing' };
    domain.state = 'paused';
    domain.reason = 'migration';
    this.#onDiskWriter(domain.vm, false, live.permit);
    this.#changed();
  }

  /** It goes on, wherever it came from. */
  wake(domain: SimDomain, reason: string): void {
    const permit = domain.transit?.permit ?? null;
    domain.transit = null;
    domain.live = { permit };
    domain.state = 'running';
    domain.guest = 'up';
    domain.reason = reason;
    this.#onDiskWriter(domain.vm, true, permit);
    this.#changed();
  }

  /** Its process ends. */
  clear(domain: SimDomain, reason: string): void {
    domain.transit = null;
    domain.state = 'shutOff';
    domain.reason = reason;
    if (domain.stored === null) this.#domains.delete(domain.vm);
    this.#changed();
  }
}
