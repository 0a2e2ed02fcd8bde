import type { Timers } from '../../../src/env/env.ts';
import { lifecycleEvent } from '../domain-events.ts';
import { domainState, reasonNumber } from '../domain-state.ts';
import { libvirtError } from '../errors.ts';
import { affect, createForceBoot, defineValidate } from '../flags.ts';
import { parseXml } from '../xml-parse.ts';
import type { FakeDomain, FakeHalf } from './fake-domain.ts';
import { revertedHalf } from './fake-snapshots.ts';
import {
  copyHalf,
  FakeError,
  makeDomain,
  parseDefinition,
  strippedMetadata,
} from './fake-domain.ts';

export interface FakeTimings {
  readonly startMs: number;
  readonly destroyMs: number;
  /** Measured with a stopped QEMU: libvirt waits for the process before it kills. */
  readonly hungDestroyMs: number;
  /** From the request until the guest is off. */
  readonly guestShutdownMs: number;
}

const undefineManagedSave = 1;
const undefineSnapshots = 2;

type Announce = (domain: FakeDomain, event: number, detail: number) => void;

/**
 * The domains of one host, with what the safety rule depends on: stored and live halves, metadata,
 * autostart, saved state, and the lock that a domain's kill holds. Outlives every connection.
 */
export class FakeHost {
  readonly domains = new Map<string, FakeDomain>();
  readonly #timers: Timers;
  readonly #timings: FakeTimings;
  readonly #locked = new Set<string>();
  /** A start holds its domain's job: an undefine waits for it. */
  readonly #starts = new Map<string, Promise<void>>();
  readonly #waiting: { readonly uuid: string | null; readonly resume: () => void }[] = [];
  #nextId = 1;
  #power = 0;
  lifecycle: Announce = () => undefined;
  metadataChanged: (domain: FakeDomain, uri: string) => void = () => undefined;

  constructor(timers: Timers, timings: FakeTimings) {
    this.#timers = timers;
    this.#timings = timings;
  }

  /** Throws libvirt's own error when it is absent. */
  find(uuid: string): FakeDomain {
    const domain = this.domains.get(uuid);
    if (domain === undefined) {
      throw new FakeError(libvirtError.noDomain, `no domain with matching uuid '${uuid}'`);
    }
    return domain;
  }

  /** Waits while the domain (null: any domain) is locked by a kill. */
  unlocked(uuid: string | null): Promise<void> {
    const blocked = uuid === null ? this.#locked.size > 0 : this.#locked.has(uuid);
    if (!blocked) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ uuid, resume: () => resolve(this.unlocked(uuid)) });
    });
  }

  /** Adds or replaces the stored half. Name and UUID belong together. */
  define(xml: string, flags: number): FakeDomain {
    const { uuid, name, half } = parseDefinition(xml, (flags & defineValidate) !== 0);
    const sameName = [...this.domains.values()].find((each) => each.name === name);
    if (sameName !== undefined && sameName.uuid !== uuid) {
      throw new FakeError(libvirtError.operationFailed, `domain '${name}' already exists`);
    }
    const existing = this.domains.get(uuid);
    if (existing !== undefined && existing.name !== name) {
      throw new FakeError(libvirtError.operationFailed, `uuid belongs to '${existing.name}'`);
    }
    const domain = existing ?? makeDomain(uuid, name);
    domain.stored = half;
    this.domains.set(uuid, domain);
    this.lifecycle(domain, lifecycleEvent.defined, existing === undefined ? 0 : 1);
    return domain;
  }

  /** Boots the stored half; a saved image is resumed unless the boot is forced. */
  async create(domain: FakeDomain, flags: number): Promise<void> {
    await this.#starts.get(domain.uuid);
    this.#needInactive(domain);
    const starting = this.#pass(this.#timings.startMs);
    this.#starts.set(domain.uuid, starting);
    await starting;
    this.#starts.delete(domain.uuid);
    const restored = domain.savedState && (flags & createForceBoot) === 0;
    domain.savedState = false;
    this.#boot(domain, domain.stored ?? this.#noStored(), restored ? 'restored' : 'booted');
  }

  /** As `virsh create`: a domain without a stored half. */
  createTransient(xml: string): FakeDomain {
    const { uuid, name, half } = parseDefinition(xml, false);
    const domain = makeDomain(uuid, name);
    this.domains.set(uuid, domain);
    this.#boot(domain, half, 'booted');
    return domain;
  }

  /** Holds the domain's lock until the process is gone. */
  async destroy(domain: FakeDomain): Promise<void> {
    this.#needActive(domain);
    const { destroyMs, hungDestroyMs } = this.#timings;
    this.#locked.add(domain.uuid);
    await this.#pass(domain.qemuHung ? hungDestroyMs : destroyMs);
    this.#locked.delete(domain.uuid);
    if (domain.id >= 0) this.#end(domain, 'destroyed', 1);
    for (const waiter of this.#waiting.splice(0)) waiter.resume();
  }

  /** Ok means asked. With a hung QEMU the monitor never answers. */
  async shutdown(domain: FakeDomain): Promise<void> {
    this.#needActive(domain);
    if (domain.qemuHung) await new Promise<never>(() => undefined);
    const { id } = domain;
    if (!domain.obeysShutdown) return;
    this.#timers.after(this.#timings.guestShutdownMs, () => {
      // Ids are never used twice: the same id is the same run.
      if (domain.id === id) this.#end(domain, 'shutdown', 0);
    });
  }

  /** Waits for a start on its way. An active domain goes on without a stored half. */
  async undefine(domain: FakeDomain, flags: number): Promise<void> {
    await this.#starts.get(domain.uuid);
    if (domain.stored === null) {
      throw new FakeError(libvirtError.operationInvalid, 'cannot undefine transient domain');
    }
    if (domain.entries.size > 0 && (flags & undefineSnapshots) === 0) {
      throw new FakeError(libvirtError.operationInvalid, 'domain has snapshots');
    }
    if (domain.savedState && (flags & undefineManagedSave) === 0) {
      throw new FakeError(libvirtError.operationInvalid, 'domain has a managed save image');
    }
    domain.stored = null;
    domain.savedState = false;
    if (domain.id < 0) this.domains.delete(domain.uuid);
    this.lifecycle(domain, lifecycleEvent.undefined, 0);
  }

  suspend(domain: FakeDomain): void {
    this.#needActive(domain);
    domain.state = domainState.paused;
    domain.reason = reasonNumber(domainState.paused, 'user');
    this.lifecycle(domain, lifecycleEvent.suspended, 0);
  }

  resume(domain: FakeDomain): void {
    this.#needActive(domain);
    if (domain.state !== domainState.paused) {
      throw new FakeError(libvirtError.operationInvalid, 'domain is already running');
    }
    domain.state = domainState.running;
    domain.reason = reasonNumber(domainState.running, 'unpaused');
    this.lifecycle(domain, lifecycleEvent.resumed, 0);
  }

  /** The guest begins anew in the same process; libvirt announces no change of state. */
  reset(domain: FakeDomain): void {
    this.#needActive(domain);
    domain.resets += 1;
  }

  /** Ends its process, and starts another from what libvirt's entry says of the domain. */
  async revert(domain: FakeDomain, name: string): Promise<void> {
    const half = revertedHalf(domain, name);
    this.#end(domain, 'fromSnapshot', 6);
    const starting = this.#pass(this.#timings.startMs);
    this.#starts.set(domain.uuid, starting);
    await starting;
    this.#starts.delete(domain.uuid);
    domain.stored = half;
    this.#boot(domain, half, 'fromSnapshot');
  }

  setAutostart(domain: FakeDomain, on: boolean): void {
    if (domain.stored === null) {
      throw new FakeError(libvirtError.operationInvalid, 'no autostart for a transient domain');
    }
    domain.autostart = on;
  }

  setMetadata(domain: FakeDomain, uri: string, xml: string, flags: number): void {
    const halves = this.#halves(domain, flags);
    const parsed = parseXml(xml, 'permit');
    if (parsed.kind === 'invalid') throw new FakeError(libvirtError.xmlDetail, parsed.message);
    for (const half of halves) half.metadata.set(uri, strippedMetadata(parsed.root));
    this.metadataChanged(domain, uri);
  }

  getMetadata(domain: FakeDomain, uri: string, flags: number): string {
    const text = this.#halves(domain, flags)[0]?.metadata.get(uri);
    if (text !== undefined) return text;
    throw new FakeError(libvirtError.noMetadata, 'Requested metadata element is not present');
  }

  removeSavedState(domain: FakeDomain): void {
    if (!domain.savedState) throw new FakeError(libvirtError.system, 'no managed save file');
    domain.savedState = false;
  }

  /** QEMU dies by itself. */
  crash(uuid: string): void {
    this.#end(this.find(uuid), 'crashed', 2);
  }

  /** A disk fails under `error_policy='stop'`. */
  ioError(uuid: string): void {
    const domain = this.find(uuid);
    domain.state = domainState.paused;
    domain.reason = reasonNumber(domainState.paused, 'ioError');
    this.lifecycle(domain, lifecycleEvent.suspended, 2);
  }

  /** Everything that runs is gone, what is stored stays. */
  powerLoss(): void {
    this.#power += 1;
    this.#locked.clear();
    this.#starts.clear();
    this.#waiting.length = 0;
    for (const domain of this.domains.values()) {
      this.#turnOff(domain, 'unknown');
      if (domain.stored === null) this.domains.delete(domain.uuid);
    }
  }

  /** Never ends when the host loses power first: what was going on then is gone. */
  #pass(delayMs: number): Promise<void> {
    const power = this.#power;
    return new Promise((resolve) => {
      this.#timers.after(delayMs, () => {
        if (power === this.#power) resolve();
      });
    });
  }

  #boot(domain: FakeDomain, half: FakeHalf, reason: string): void {
    domain.id = this.#nextId;
    this.#nextId += 1;
    domain.boots += 1;
    domain.state = domainState.running;
    domain.reason = reasonNumber(domainState.running, reason);
    domain.live = copyHalf(half);
    this.lifecycle(domain, lifecycleEvent.started, 0);
  }

  #end(domain: FakeDomain, reason: string, detail: number): void {
    this.#turnOff(domain, reason);
    if (domain.stored === null) this.domains.delete(domain.uuid);
    this.lifecycle(domain, lifecycleEvent.stopped, detail);
  }

  #turnOff(domain: FakeDomain, reason: string): void {
    domain.id = -1;
    domain.live = null;
    domain.qemuHung = false;
    domain.state = domainState.shutOff;
    domain.reason = reasonNumber(domainState.shutOff, reason);
  }

  #halves(domain: FakeDomain, flags: number): readonly FakeHalf[] {
    const which = flags === 0 ? (domain.id >= 0 ? affect.live : affect.config) : flags;
    if ((which & affect.live) !== 0) this.#needActive(domain);
    const stored = (which & affect.config) !== 0 ? (domain.stored ?? this.#noStored()) : null;
    const live = (which & affect.live) !== 0 ? domain.live : null;
    return [live, stored].filter((half) => half !== null);
  }

  #noStored(): never {
    const message = 'transient domains do not have any persistent config';
    throw new FakeError(libvirtError.operationInvalid, message);
  }

  #needActive(domain: FakeDomain): void {
    if (domain.id >= 0) return;
    throw new FakeError(libvirtError.operationInvalid, 'domain is not running');
  }

  #needInactive(domain: FakeDomain): void {
    if (domain.id < 0) return;
    throw new FakeError(libvirtError.operationInvalid, 'domain is already running');
  }
}
