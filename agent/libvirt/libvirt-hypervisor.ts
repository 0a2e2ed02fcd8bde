import { vmId } from '../../src/core/model/ids.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { NodeCapacity } from '../../src/core/model/node.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import { samePermit } from '../../src/core/model/permit.ts';
import type { VmSpec } from '../../src/core/model/vm.ts';
import type { ActionVerb } from '../../src/core/model/vm-action.ts';
import type {
  DomainUsage,
  Hypervisor,
  GuestStream,
  GuestStreamEvents,
  GuestStreamRequest,
  HypervisorDomain,
  HypervisorResult,
  MigrationProgress,
  MigrationRequest,
  SnapshotOrder,
} from '../hypervisor.ts';
import type { Dial } from './byte-stream.ts';
import { defaultLinkOptions, LibvirtClient } from './client.ts';
import type { CallResult, SendGuard } from './connection.ts';
import { DomainListing, readPermit } from './domain-listing.ts';
import type { DomainRef } from './domain-ref.ts';
import { uuidText } from './domain-ref.ts';
import { done, type DomainLookup, failed, findDomain, lookUpDomain } from './domain-lookup.ts';
import { DomainMigrations } from './domain-migrations.ts';
import { DomainSnapshots } from './domain-snapshots.ts';
import { UsageMeter } from './domain-usage.ts';
import { domainDefinition } from './domain-definition.ts';
import { errorCode, libvirtError } from './errors.ts';
import {
  affect,
  createForceBoot,
  defineValidate,
  metadataElement,
  statsActiveNoWait,
  statsUsage,
  undefineFlags,
  xmlSecureInactive,
} from './flags.ts';
import { versionText } from './handshake.ts';
import { pingGuest } from './guest-ping.ts';
import { callFailure } from './hypervisor-result.ts';
import { openGuestStream } from './guest-stream.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { isRunning, sendAction } from './guest-action.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import {
  defaultDeadlines,
  type LibvirtDeadlines,
  type LibvirtHypervisorOptions,
} from './libvirt-options.ts';
import type { LinkOptions, LinkProblem } from './link.ts';
import { permitNamespace, permitPrefix, permitXml } from './permit-metadata.ts';
import { procedures } from './procedures.ts';

const operationInvalid = errorCode(libvirtError.operationInvalid);

/** libvirtd on its local socket, spoken to in its own protocol; nothing here ever blocks. */
export class LibvirtHypervisor implements Hypervisor {
  readonly kind = 'libvirt';
  readonly #env: LibvirtEnv;
  readonly #client: LibvirtClient;
  readonly #deadlines: LibvirtDeadlines;
  readonly #migrations: DomainMigrations;
  readonly #snapshots: DomainSnapshots;
  readonly #dial: Dial;
  readonly #link: LinkOptions;
  readonly #listing: DomainListing;
  readonly #usage = new UsageMeter();
  readonly #listeners: (() => void)[] = [];
  /** A definition of one start must not be booted under the permit of another. */
  readonly #changes = new KeyedQueue<VmId>();
  readonly #destroying = new Map<VmId, DomainRef>();
  /** Of destroys that have not found their domain yet. */
  readonly #lookups = new Set<Promise<unknown>>();
  readonly #destroys = new Map<VmId, Promise<HypervisorResult<void>>>();

  constructor(options: LibvirtHypervisorOptions) {
    const { env, dial, link, permitMaxAgeMs } = options;
    this.#env = env;
    this.#dial = dial;
    this.#link = { ...defaultLinkOptions, ...link };
    this.#deadlines = { ...defaultDeadlines, ...options.deadlines };
    this.#client = new LibvirtClient({ env, dial, ...(link === undefined ? {} : { link }) });
    const { readMs } = this.#deadlines;
    this.#listing = new DomainListing(env, this.#client, readMs, permitMaxAgeMs ?? 30_000);
    this.#migrations = new DomainMigrations({
      env,
      client: this.#client,
      deadlines: this.#deadlines,
      over: options.migrateOver ?? 'tls',
      onMoved: (vm) => this.#listing.invalidate(vm),
    });
    this.#snapshots = new DomainSnapshots({
      env,
      client: this.#client,
      deadlines: this.#deadlines,
      onChanged: (vm) => this.#listing.invalidate(vm),
    });
    this.#client.onEvent((event) => {
      if (event.kind === 'domainChanged' && event.domain !== null) this.#listing.saw(event.domain);
      else this.#listing.forget();
      for (const listener of this.#listeners) listener();
    });
  }

  open(): void {
    this.#client.open();
  }

  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  connected(): boolean {
    return this.#client.connected();
  }

  /** Why it is not connected: `libvirtUnavailable`, `libvirtAuthRequired`, `libvirtTooOld`, … */
  problem(): LinkProblem | null {
    return this.#client.problem();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async list(): Promise<HypervisorResult<readonly HypervisorDomain[]>> {
    // A destroy that is still looking its domain up would make this listing wait for the kill.
    await Promise.all(this.#lookups);
    return this.#listing.list(() => new Map(this.#destroying));
  }

  async capacity(): Promise<HypervisorResult<NodeCapacity & { readonly version: string }>> {
    const { reads } = this.#client;
    const { readMs, changeMs } = this.#deadlines;
    const [info, libvirt, qemu] = await Promise.all([
      reads.call(procedures.nodeGetInfo, undefined, readMs),
      reads.call(procedures.getLibVersion, undefined, readMs),
      // The first question for QEMU makes libvirtd run it, to learn what it can do.
      reads.call(procedures.getVersion, undefined, changeMs),
    ]);
    if (info.kind !== 'ok') return callFailure(info);
    if (libvirt.kind !== 'ok') return callFailure(libvirt);
    if (qemu.kind !== 'ok') return callFailure(qemu);
    const version = `libvirt ${versionText(libvirt.value.version)}, QEMU ${versionText(qemu.value.version)}`;
    const memoryMiB = Number(info.value.memoryKib / 1024n);
    return { kind: 'ok', value: { memoryMiB, vcpus: info.value.cpus, version } };
  }

  async usage(): Promise<HypervisorResult<readonly DomainUsage[]>> {
    const args = { domains: [], stats: statsUsage, flags: statsActiveNoWait };
    const stats = await this.#client.reads.call(
      procedures.allDomainStats,
      args,
      this.#deadlines.readMs,
    );
    if (stats.kind !== 'ok') return callFailure(stats);
    return {
      kind: 'ok',
      value: this.#usage.take(stats.value.records, this.#env.clock.monotonicMs()),
    };
  }

  /**
   * Codes beside libvirt's own: `domainXmlInvalid`; `activeWithOtherPermit` when it is already
   * active under another permit or none; `startTooLate` when the boot command could not leave in
   * time, or `mayBoot`, asked in the same turn in which it leaves, said no.
   */
  start(
    spec: VmSpec,
    permit: Permit,
    mayBoot: () => boolean = () => true,
  ): Promise<HypervisorResult<void>> {
    const { clock } = this.#env;
    const { bootWithinMs } = this.#deadlines;
    const askedMs = clock.boottimeMs();
    const guard: SendGuard = () => {
      const lateMs = Math.round(clock.boottimeMs() - askedMs);
      if (lateMs <= bootWithinMs && mayBoot()) return null;
      const message = `${spec.name} was not booted: the command was held up for ${lateMs} ms`;
      return { code: 'startTooLate', message };
    };
    return this.#changes.run(permit.vm, () => this.#start(spec, permit, guard));
  }

  async #start(spec: VmSpec, permit: Permit, guard: SendGuard): Promise<HypervisorResult<void>> {
    const definition = domainDefinition(spec, permit);
    if (definition.kind === 'invalid') return failed('domainXmlInvalid', definition.message);
    const found = await this.#lookup(permit.vm);
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'found') {
      if (found.domain.id >= 0) return this.#alreadyActive(found.domain, permit);
      if (found.domain.name !== spec.name) {
        // libvirt does not rename by define; the stored definition is replaced in full anyway.
        const forgotten = await this.#undefine(found.domain);
        if (forgotten.kind !== 'ok') return forgotten;
      }
    }
    return this.#defineAndBoot(definition, permit, guard);
  }

  async shutdown(vm: VmId): Promise<HypervisorResult<void>> {
    const found = await this.#lookup(vm);
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'absent') return failed('notActive', `${vm} is not defined here`);
    if (found.domain.id < 0) return failed('notActive', `${found.domain.name} is not active`);
    const args = { domain: found.domain, flags: 0 };
    const { shutdownMs } = this.#deadlines;
    const result = await this.#client.changes.call(procedures.shutdownFlags, args, shutdownMs);
    return result.kind === 'ok' ? done : callFailure(result);
  }

  /** Two at once are one. libvirt's ok means that the process is gone. */
  destroy(vm: VmId): Promise<HypervisorResult<void>> {
    const running = this.#destroys.get(vm);
    if (running !== undefined) return running;
    const destroy = this.#destroy(vm).finally(() => {
      this.#destroys.delete(vm);
      this.#destroying.delete(vm);
    });
    this.#destroys.set(vm, destroy);
    return destroy;
  }

  undefine(vm: VmId): Promise<HypervisorResult<void>> {
    return this.#changes.run(vm, () => this.#undefineInactive(vm));
  }

  async #undefineInactive(vm: VmId): Promise<HypervisorResult<void>> {
    const found = await this.#lookup(vm);
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'absent') return done;
    if (found.domain.id >= 0) {
      // libvirt would agree and leave a running domain without a definition.
      return failed('domainActive', `${found.domain.name} is active`);
    }
    return this.#undefine(found.domain);
  }

  setPermit(permit: Permit): Promise<HypervisorResult<void>> {
    return this.#changes.run(permit.vm, () => this.#setPermit(permit));
  }

  async #setPermit(permit: Permit): Promise<HypervisorResult<void>> {
    const xml = permitXml(permit);
    if (xml.kind === 'invalid') return failed('permitInvalid', xml.message);
    const found = await this.#lookup(permit.vm);
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'absent') return failed('noDomain', `${permit.vm} is not defined here`);
    const { domain } = found;
    this.#listing.invalidate(permit.vm);
    const set = await this.#writePermit(domain, xml.xml);
    this.#listing.invalidate(permit.vm);
    if (set.kind !== 'ok') return callFailure(set);
    const autostart = await this.#autostartOff(domain);
    // A transient domain has no autostart to switch off.
    const without = autostart.kind === 'failed' && autostart.code === operationInvalid;
    return without ? done : autostart;
  }

  migrate(request: MigrationRequest, mayGo: () => boolean): Promise<HypervisorResult<void>> {
    return this.#changes.run(request.vm, this.#migrations.prepared(request, mayGo));
  }

  abortMigration(vm: VmId): Promise<HypervisorResult<void>> {
    return this.#migrations.abort(vm);
  }

  /** libvirt takes whatever its peer sends. */
  expectCopy(): Promise<HypervisorResult<void>> {
    return Promise.resolve(done);
  }

  migration(vm: VmId): Promise<HypervisorResult<MigrationProgress | null>> {
    return this.#migrations.progress(vm);
  }

  resume(vm: VmId): Promise<HypervisorResult<void>> {
    return this.act(vm, 'resume', () => true);
  }

  act(vm: VmId, verb: ActionVerb, mayAct: () => boolean): Promise<HypervisorResult<void>> {
    return this.#changes.run(vm, async () => {
      const found = await this.#lookup(vm);
      if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
      if (found.kind === 'absent') return failed('noDomain', `${vm} is not defined here`);
      const { domain } = found;
      if (domain.id < 0) return failed('notActive', `${domain.name} is not active`);
      const { changes } = this.#client;
      const result = await sendAction({ changes, domain, verb, mayAct }, this.#deadlines.changeMs);
      if (result.kind === 'ok') return done;
      const { reads } = this.#client;
      // libvirt refuses to resume what runs.
      const runs = verb === 'resume' && (await isRunning(reads, domain, this.#deadlines.readMs));
      return runs ? done : callFailure(result);
    });
  }

  snapshot(vm: VmId, order: SnapshotOrder, mayAct: () => boolean): Promise<HypervisorResult<void>> {
    return this.#changes.run(vm, this.#snapshots.prepared(vm, order, mayAct));
  }

  pingGuest(vm: VmId, timeoutMs: number): Promise<HypervisorResult<void>> {
    return pingGuest(this.#client, vm, timeoutMs);
  }

  async openStream(
    vm: VmId,
    request: GuestStreamRequest,
    events: GuestStreamEvents,
  ): Promise<HypervisorResult<GuestStream>> {
    const { readMs, changeMs } = this.#deadlines;
    const found = await findDomain(this.#client.reads, vm, readMs);
    if (found.kind !== 'found') return found;
    const { domain } = found;
    if (domain.id < 0) return failed('notActive', `${domain.name} is not active`);
    const options = { env: this.#env, dial: this.#dial, link: this.#link, deadlineMs: changeMs };
    return openGuestStream(options, domain, request, events);
  }

  async xml(vm: VmId): Promise<HypervisorResult<string>> {
    const found = await this.#lookup(vm);
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'absent') return failed('noDomain', `${vm} is not defined here`);
    const args = { domain: found.domain, flags: xmlSecureInactive };
    const { readMs } = this.#deadlines;
    const result = await this.#client.reads.call(procedures.getXmlDesc, args, readMs);
    return result.kind === 'ok' ? { kind: 'ok', value: result.value.text } : callFailure(result);
  }

  /** Into both halves while it is active, into the stored one while it is not. */
  async #writePermit(domain: DomainRef, metadata: string): Promise<CallResult<undefined>> {
    const write = (flags: number): Promise<CallResult<undefined>> => {
      const key = permitPrefix;
      const args = { domain, type: metadataElement, metadata, key, uri: permitNamespace, flags };
      return this.#client.changes.call(procedures.setMetadata, args, this.#deadlines.changeMs);
    };
    if (domain.id < 0) return write(affect.config);
    const both = await write(affect.live | affect.config);
    const refused = both.kind === 'error' && both.error.number === libvirtError.operationInvalid;
    // A transient domain has no stored half: libvirt refuses the pair before it touches either.
    return refused ? write(affect.live) : both;
  }

  /** The domain as libvirt has it now; its id says whether it is active. */
  #lookup(vm: VmId): Promise<DomainLookup> {
    return lookUpDomain(this.#client.reads, vm, this.#deadlines.readMs);
  }

  /** Ok exactly when the live metadata carries this very permit. */
  async #alreadyActive(domain: DomainRef, permit: Permit): Promise<HypervisorResult<void>> {
    const read = await readPermit(this.#env, this.#client, domain, this.#deadlines.readMs);
    switch (read.kind) {
      case 'failed':
      case 'ambiguous':
        return read;
      case 'moved':
        return failed('domainsUnsettled', `${domain.name} stopped while it was looked at`);
      case 'permit': {
        if (read.permit !== null && samePermit(read.permit, permit)) return done;
        const other =
          read.permit === null
            ? 'no permit'
            : `token ${read.permit.token} of ${read.permit.node}, incarnation ${read.permit.incarnation}`;
        return failed('activeWithOtherPermit', `${domain.name} is already active with ${other}`);
      }
      default:
        return read satisfies never;
    }
  }

  /** Each step waits for the one before: without autostart off or with a saved image nothing boots. */
  async #defineAndBoot(
    definition: { readonly xml: string; readonly validate: boolean },
    permit: Permit,
    guard: SendGuard,
  ): Promise<HypervisorResult<void>> {
    const { changes } = this.#client;
    const { changeMs, startMs } = this.#deadlines;
    const flags = definition.validate ? defineValidate : 0;
    const { xml } = definition;
    const defined = await changes.call(procedures.defineXmlFlags, { xml, flags }, changeMs);
    this.#listing.invalidate(permit.vm);
    if (defined.kind !== 'ok') return callFailure(defined);
    const { domain } = defined.value;
    const autostart = await this.#autostartOff(domain);
    if (autostart.kind !== 'ok') return autostart;
    const saved = await changes.call(procedures.hasManagedSave, { domain, flags: 0 }, changeMs);
    if (saved.kind !== 'ok') return callFailure(saved);
    if (saved.value.result !== 0) {
      // An image saved here long ago and a disk that moved on would be corruption.
      const removal = await changes.call(
        procedures.managedSaveRemove,
        { domain, flags: 0 },
        changeMs,
      );
      if (removal.kind !== 'ok') return callFailure(removal);
    }
    const boot = { domain, flags: createForceBoot };
    const created = await changes.call(procedures.createWithFlags, boot, startMs, guard);
    if (created.kind === 'ok') return done;
    if (created.kind === 'error' && created.error.number === libvirtError.operationInvalid) {
      // Someone started it in between: its live metadata tells under which permit.
      const found = await this.#lookup(permit.vm);
      if (found.kind === 'found' && found.domain.id >= 0) {
        return this.#alreadyActive(found.domain, permit);
      }
    }
    return callFailure(created);
  }

  async #destroy(vm: VmId): Promise<HypervisorResult<void>> {
    const lookup = this.#lookup(vm).then((each) => {
      if (each.kind === 'found' && each.domain.id >= 0) this.#destroying.set(vm, each.domain);
      return each;
    });
    this.#lookups.add(lookup);
    const found = await lookup.finally(() => this.#lookups.delete(lookup));
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'absent' || found.domain.id < 0) return done;
    const args = { domain: found.domain, flags: 0 };
    const { destroyMs } = this.#deadlines;
    const result = await this.#client.kills.call(procedures.destroyFlags, args, destroyMs);
    if (result.kind === 'ok') return done;
    if (result.kind === 'error') {
      const after = await this.#lookup(vm);
      if (after.kind === 'absent' || (after.kind === 'found' && after.domain.id < 0)) return done;
    }
    return callFailure(result);
  }

  /** Ok only once it is gone: an undefine that met a start on its way leaves the VM running. */
  async #undefine(domain: DomainRef): Promise<HypervisorResult<void>> {
    const args = { domain, flags: undefineFlags };
    const { changeMs } = this.#deadlines;
    const result = await this.#client.changes.call(procedures.undefineFlags, args, changeMs);
    const absent = result.kind === 'error' && result.error.number === libvirtError.noDomain;
    if (absent) return done;
    if (result.kind !== 'ok') return callFailure(result);
    const after = await this.#lookup(vmId(uuidText(domain.uuid)));
    if (after.kind === 'absent') return done;
    return after.kind === 'found' ? failed('domainActive', `${domain.name} was started`) : after;
  }

  async #autostartOff(domain: DomainRef): Promise<HypervisorResult<void>> {
    const args = { domain, autostart: 0 };
    const { changeMs } = this.#deadlines;
    const result = await this.#client.changes.call(procedures.setAutostart, args, changeMs);
    return result.kind === 'ok' ? done : callFailure(result);
  }
}
