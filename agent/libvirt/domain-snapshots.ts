import type { VmId } from '../../src/core/model/ids.ts';
import type { HypervisorResult, SnapshotOrder } from '../hypervisor.ts';
import type { LibvirtClient } from './client.ts';
import type { SendGuard } from './connection.ts';
import { done, failed, findDomain } from './domain-lookup.ts';
import type { DomainRef } from './domain-ref.ts';
import {
  revertRunning,
  snapshotMetadataOnly,
  snapshotNoMetadata,
  snapshotRedefine,
  xmlSecureInactive,
} from './flags.ts';
import { callFailure } from './hypervisor-result.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import type { LibvirtDeadlines } from './libvirt-options.ts';
import { procedures, type SnapshotRef } from './procedures.ts';
import { snapshotTag, snapshotXml } from './snapshot-xml.ts';

/**
 * Snapshots inside the disks of VMs that run here. libvirt's own list of them is one node's, keeps a VM from
 * migrating, and carries the permit of the day on which each was made. So it has none: a snapshot is
 * made without an entry, and what needs one gets it for the time of the call, with the definition and
 * the permit that the domain has now.
 */
export class DomainSnapshots {
  readonly #env: LibvirtEnv;
  readonly #client: LibvirtClient;
  readonly #deadlines: LibvirtDeadlines;
  readonly #onChanged: (vm: VmId) => void;

  constructor(options: {
    readonly env: LibvirtEnv;
    readonly client: LibvirtClient;
    readonly deadlines: LibvirtDeadlines;
    /** What is known of its domain is old. */
    readonly onChanged: (vm: VmId) => void;
  }) {
    this.#env = options.env;
    this.#client = options.client;
    this.#deadlines = options.deadlines;
    this.#onChanged = options.onChanged;
  }

  /** The call, to be run. Held up longer than `bootWithinMs` it is not asked for, as with `start`. */
  prepared(
    vm: VmId,
    order: SnapshotOrder,
    mayAct: () => boolean,
  ): () => Promise<HypervisorResult<void>> {
    const { clock } = this.#env;
    const askedMs = clock.boottimeMs();
    const guard: SendGuard = () => {
      const lateMs = Math.round(clock.boottimeMs() - askedMs);
      if (lateMs <= this.#deadlines.bootWithinMs && mayAct()) return null;
      const message = `nothing was done to ${vm}: the command was held up for ${lateMs} ms`;
      return { code: 'actionTooLate', message };
    };
    return async () => {
      const found = await findDomain(this.#client.reads, vm, this.#deadlines.readMs);
      if (found.kind !== 'found') return found;
      const { domain } = found;
      if (domain.id < 0) return failed('notActive', `${domain.name} is not active`);
      const result =
        order.verb === 'snapshot'
          ? await this.#make(domain, order.name, guard)
          : await this.#withEntry(domain, order, guard);
      this.#onChanged(vm);
      return result;
    };
  }

  async #make(domain: DomainRef, name: string, guard: SendGuard): Promise<HypervisorResult<void>> {
    const args = { domain, xml: snapshotXml(name, null), flags: snapshotNoMetadata };
    const { moves } = this.#client;
    const { snapshotMs } = this.#deadlines;
    const made = await moves.call(procedures.snapshotCreateXml, args, snapshotMs, guard);
    return made.kind === 'ok' ? done : callFailure(made);
  }

  /** libvirt starts a reverted domain from the definition in the entry: by the permit of now. */
  async #withEntry(
    domain: DomainRef,
    { verb, name }: SnapshotOrder,
    guard: SendGuard,
  ): Promise<HypervisorResult<void>> {
    const { reads, changes, moves } = this.#client;
    const { readMs, changeMs, snapshotMs } = this.#deadlines;
    const read = { domain, flags: xmlSecureInactive };
    const definition = await reads.call(procedures.getXmlDesc, read, readMs);
    if (definition.kind !== 'ok') return callFailure(definition);
    const xml = snapshotXml(name, definition.value.text);
    const entry = { domain, xml, flags: snapshotRedefine };
    const entered = await changes.call(procedures.snapshotCreateXml, entry, changeMs);
    const snapshot: SnapshotRef = { name: snapshotTag(name), domain };
    if (entered.kind !== 'ok') {
      if (entered.kind === 'ambiguous') await this.#forget(snapshot);
      return callFailure(entered);
    }
    const result = await (verb === 'revert'
      ? moves.call(
          procedures.revertToSnapshot,
          { snapshot, flags: revertRunning },
          snapshotMs,
          guard,
        )
      : moves.call(procedures.snapshotDelete, { snapshot, flags: 0 }, snapshotMs, guard));
    const isGone = verb === 'deleteSnapshot' && result.kind === 'ok';
    if (!isGone) await this.#forget(snapshot);
    return result.kind === 'ok' ? done : callFailure(result);
  }

  /** An entry that stays behind keeps its VM from migrating until the next call, or its next stop. */
  async #forget(snapshot: SnapshotRef): Promise<void> {
    const args = { snapshot, flags: snapshotMetadataOnly };
    const { changeMs } = this.#deadlines;
    const forgotten = await this.#client.changes.call(procedures.snapshotDelete, args, changeMs);
    if (forgotten.kind === 'ok') return;
    const { message } = callFailure(forgotten);
    this.#env.log.warn({ domain: snapshot.domain.name, message }, 'libvirt keeps a snapshot entry');
  }
}
