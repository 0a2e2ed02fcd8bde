import type { VmId } from '../../src/core/model/ids.ts';
import type { HypervisorResult, MigrationProgress, MigrationRequest } from '../hypervisor.ts';
import type { LibvirtClient } from './client.ts';
import type { SendGuard } from './connection.ts';
import { done, failed, findDomain, lookUpDomain } from './domain-lookup.ts';
import { libvirtError } from './errors.ts';
import { xmlMigratable } from './flags.ts';
import { callFailure } from './hypervisor-result.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import type { LibvirtDeadlines } from './libvirt-options.ts';
import { migrationArguments, progressOf, type MigrationTransport } from './migration.ts';
import { procedures } from './procedures.ts';

/** Live migrations that leave this node. */
export class DomainMigrations {
  readonly #env: LibvirtEnv;
  readonly #client: LibvirtClient;
  readonly #deadlines: LibvirtDeadlines;
  readonly #over: MigrationTransport;
  readonly #onMoved: (vm: VmId) => void;

  constructor(options: {
    readonly env: LibvirtEnv;
    readonly client: LibvirtClient;
    readonly deadlines: LibvirtDeadlines;
    readonly over: MigrationTransport;
    /** What is known of its domain is old. */
    readonly onMoved: (vm: VmId) => void;
  }) {
    this.#env = options.env;
    this.#client = options.client;
    this.#deadlines = options.deadlines;
    this.#over = options.over;
    this.#onMoved = options.onMoved;
  }

  /** The migration, to be run. Held up longer than `bootWithinMs` it is not asked for, as with `start`. */
  prepared(request: MigrationRequest, mayGo: () => boolean): () => Promise<HypervisorResult<void>> {
    const { clock } = this.#env;
    const askedMs = clock.boottimeMs();
    const guard: SendGuard = () => {
      const lateMs = Math.round(clock.boottimeMs() - askedMs);
      if (lateMs <= this.#deadlines.bootWithinMs && mayGo()) return null;
      const message = `${request.vm} stays: the command was held up for ${lateMs} ms`;
      return { code: 'migrationTooLate', message };
    };
    return () => this.#migrate(request, guard);
  }

  async #migrate(request: MigrationRequest, guard: SendGuard): Promise<HypervisorResult<void>> {
    const { readMs, migrateMs } = this.#deadlines;
    const found = await findDomain(this.#client.reads, request.vm, readMs);
    if (found.kind !== 'found') return found;
    const { domain } = found;
    const read = (flags: number) =>
      this.#client.reads.call(procedures.getXmlDesc, { domain, flags }, readMs);
    const [live, stored] = await Promise.all([
      read(xmlMigratable.live),
      read(xmlMigratable.inactive),
    ]);
    if (live.kind !== 'ok') return callFailure(live);
    if (stored.kind !== 'ok') return callFailure(stored);
    const xml = { live: live.value.text, stored: stored.value.text };
    const args = migrationArguments(domain, request, xml, this.#over);
    if (args.kind === 'invalid') return failed('domainXmlInvalid', args.message);
    const { moves } = this.#client;
    const moved = await moves.call(procedures.migratePerform3Params, args.value, migrateMs, guard);
    this.#onMoved(request.vm);
    return moved.kind === 'ok' ? done : callFailure(moved);
  }

  async abort(vm: VmId): Promise<HypervisorResult<void>> {
    const found = await lookUpDomain(this.#client.reads, vm, this.#deadlines.readMs);
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'absent' || found.domain.id < 0) return done;
    const { domain } = found;
    const { changeMs } = this.#deadlines;
    const result = await this.#client.changes.call(procedures.abortJob, { domain }, changeMs);
    const without =
      result.kind === 'error' && result.error.number === libvirtError.operationInvalid;
    return result.kind === 'ok' || without ? done : callFailure(result);
  }

  async progress(vm: VmId): Promise<HypervisorResult<MigrationProgress | null>> {
    const found = await lookUpDomain(this.#client.reads, vm, this.#deadlines.readMs);
    if (found.kind === 'failed' || found.kind === 'ambiguous') return found;
    if (found.kind === 'absent' || found.domain.id < 0) return { kind: 'ok', value: null };
    const args = { domain: found.domain, flags: 0 };
    const { readMs } = this.#deadlines;
    const stats = await this.#client.reads.call(procedures.getJobStats, args, readMs);
    if (stats.kind === 'ok') return { kind: 'ok', value: progressOf(stats.value) };
    const isOff = stats.kind === 'error' && stats.error.number === libvirtError.operationInvalid;
    return isOff ? { kind: 'ok', value: null } : callFailure(stats);
  }
}
