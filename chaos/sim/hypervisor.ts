import type {
  DomainUsage,
  Hypervisor,
  HypervisorDomain,
  HypervisorResult,
  MigrationProgress,
  MigrationRequest,
  SnapshotOrder,
} from '../../agent/hypervisor.ts';
import { domainDefinition } from '../../agent/libvirt/domain-definition.ts';
import { uuidBytes } from '../../agent/libvirt/domain-ref.ts';
import { KeyedQueue } from '../../agent/libvirt/keyed-queue.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { NodeCapacity } from '../../src/core/model/node.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { VmSpec } from '../../src/core/model/vm.ts';
import type { ActionVerb } from '../../src/core/model/vm-action.ts';
import type { Env } from '../../src/env/env.ts';
import type { SimCall, SimDomain, SimWork } from './sim-domain.ts';
import { alreadyActive, failed, isActive } from './sim-domain.ts';
import type { SimHost } from './sim-host.ts';

/** As the libvirt client's, in ms. */
export interface SimDeadlines {
  readonly readMs: number;
  readonly changeMs: number;
  readonly startMs: number;
  /** From the call of `start` until the boot command leaves. */
  readonly bootWithinMs: number;
  readonly shutdownMs: number;
  readonly destroyMs: number;
  readonly migrateMs: number;
  /** Silence after which the connection counts as dead. */
  readonly silentMs: number;
  readonly reconnectMs: number;
}

const defaultDeadlines: SimDeadlines = {
  readMs: 3000,
  changeMs: 10_000,
  startMs: 60_000,
  bootWithinMs: 5000,
  shutdownMs: 10_000,
  destroyMs: 30_000,
  migrateMs: 3_600_000,
  silentMs: 3000,
  reconnectMs: 100,
};

/**
 * The simulated twin of the libvirt client, one per agent start: same results, codes and
 * uncertainty, on the agent's timers alone. The host and its VMs live on without it.
 */
export class SimHypervisor implements Hypervisor {
  readonly kind = 'simulated';
  readonly #env: Pick<Env, 'timers' | 'clock'>;
  readonly #host: SimHost;
  readonly #deadlines: SimDeadlines;
  readonly #listeners: (() => void)[] = [];
  readonly #pending = new Set<(reason: string) => void>();
  readonly #changes = new KeyedQueue<VmId>();
  #unwatch: (() => void) | null = null;
  /** The run of the daemon that this client is connected to. */
  #daemonRun: number | null = null;

  constructor(options: {
    readonly env: Pick<Env, 'timers' | 'clock'>;
    readonly host: SimHost;
    readonly deadlines?: Partial<SimDeadlines>;
  }) {
    this.#env = options.env;
    this.#host = options.host;
    this.#deadlines = { ...defaultDeadlines, ...options.deadlines };
  }

  open(): void {
    if (this.#unwatch !== null) return;
    this.#unwatch = this.#host.watch(() => {
      this.#env.timers.after(0, () => this.#observe());
    });
    this.#connect(0);
  }

  close(): Promise<void> {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#daemonRun = null;
    this.#endPending('closed by the agent');
    return Promise.resolve();
  }

  connected(): boolean {
    return this.#daemonRun !== null;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  list(): Promise<HypervisorResult<readonly HypervisorDomain[]>> {
    return this.#call('list', this.#deadlines.readMs, () => ({
      kind: 'ok',
      value: this.#host.domains().map(describe),
    }));
  }

  capacity(): Promise<HypervisorResult<NodeCapacity & { readonly version: string }>> {
    return this.#call('capacity', this.#deadlines.readMs, () => ({
      kind: 'ok',
      value: { ...this.#host.capacity, version: 'simulated 1' },
    }));
  }

  usage(): Promise<HypervisorResult<readonly DomainUsage[]>> {
    return this.#call('usage', this.#deadlines.readMs, () => ({
      kind: 'ok',
      value: this.#host.meter.read(),
    }));
  }

  start(
    spec: VmSpec,
    permit: Permit,
    mayBoot: () => boolean = () => true,
  ): Promise<HypervisorResult<void>> {
    const askedMs = this.#env.clock.boottimeMs();
    return this.#changes.run(permit.vm, () => this.#start(spec, permit, { askedMs, mayBoot }));
  }

  shutdown(vm: VmId): Promise<HypervisorResult<void>> {
    return this.#onVm('shutdown', vm, this.#deadlines.shutdownMs, (domain) =>
      domain !== undefined && isActive(domain)
        ? this.#host.askShutdown(domain)
        : failed('notActive', `${vm} is not active`),
    );
  }

  destroy(vm: VmId): Promise<HypervisorResult<void>> {
    return this.#onVm('destroy', vm, this.#deadlines.destroyMs, () => this.#host.cut(vm));
  }

  undefine(vm: VmId): Promise<HypervisorResult<void>> {
    return this.#changes.run(vm, () =>
      this.#onVm('undefine', vm, this.#deadlines.changeMs, (domain) => {
        if (domain !== undefined && isActive(domain)) {
          return failed('domainActive', `${domain.name} is active`);
        }
        this.#host.forget(vm);
        return { kind: 'ok', value: undefined };
      }),
    );
  }

  setPermit(permit: Permit): Promise<HypervisorResult<void>> {
    return this.#changes.run(permit.vm, () =>
      this.#onVm('setPermit', permit.vm, this.#deadlines.changeMs, (domain) => {
        if (domain === undefined) return failed('noDomain', `${permit.vm} is not defined here`);
        this.#host.writePermit(domain, permit);
        return { kind: 'ok', value: undefined };
      }),
    );
  }

  expectCopy(): Promise<HypervisorResult<void>> {
    return Promise.resolve({ kind: 'ok', value: undefined });
  }

  migrate(request: MigrationRequest, mayGo: () => boolean): Promise<HypervisorResult<void>> {
    if (!mayGo()) return Promise.resolve(failed('migrationTooLate', `${request.vm} stays`));
    const { clock } = this.#env;
    return this.#onVm('migrate', request.vm, this.#deadlines.migrateMs, () =>
      this.#host.outgoing.migrate(request, () => clock.monotonicMs()),
    );
  }

  abortMigration(vm: VmId): Promise<HypervisorResult<void>> {
    return this.#onVm('abortMigration', vm, this.#deadlines.changeMs, () =>
      this.#host.outgoing.abort(vm),
    );
  }

  migration(vm: VmId): Promise<HypervisorResult<MigrationProgress | null>> {
    const nowMs = this.#env.clock.monotonicMs();
    return this.#onVm('migration', vm, this.#deadlines.readMs, () => ({
      kind: 'ok',
      value: this.#host.outgoing.progressOf(vm, nowMs),
    }));
  }

  resume(vm: VmId): Promise<HypervisorResult<void>> {
    return this.#changes.run(vm, () =>
      this.#onVm('resume', vm, this.#deadlines.changeMs, () => this.#host.goOn(vm)),
    );
  }

  pingGuest(vm: VmId, timeoutMs: number): Promise<HypervisorResult<void>> {
    if (this.#daemonRun === null) {
      return Promise.resolve({ kind: 'ambiguous', message: 'no connection to the daemon' });
    }
    return this.#onVm('pingGuest', vm, timeoutMs + 2000, (domain) => {
      if (domain !== undefined && this.#host.answers(domain)) {
        return { kind: 'ok', value: undefined };
      }
      const no = failed('guestAgentUnresponsive', `the guest agent of ${vm} does not answer`);
      if (domain?.guest !== 'silent') return no;
      return { kind: 'later', afterMs: timeoutMs, finish: () => no };
    });
  }

  act(vm: VmId, verb: ActionVerb, mayAct: () => boolean): Promise<HypervisorResult<void>> {
    return this.#changes.run(vm, async () => {
      if (!mayAct()) return failed('actionTooLate', `${verb} of ${vm} may not be done now`);
      return this.#onVm('act', vm, this.#deadlines.changeMs, () => this.#host.act(vm, verb));
    });
  }

  snapshot(
    vm: VmId,
    { verb }: SnapshotOrder,
    mayAct: () => boolean,
  ): Promise<HypervisorResult<void>> {
    return this.#changes.run(vm, async () => {
      if (!mayAct()) return failed('actionTooLate', `${verb} of ${vm} may not be done now`);
      return this.#onVm('act', vm, this.#deadlines.startMs, () => this.#host.snapshot(vm, verb));
    });
  }

  /** Simulated guests say nothing. */
  openStream(vm: VmId): Promise<HypervisorResult<never>> {
    return Promise.resolve(failed('libvirtUnsupported', `${vm} has no console`));
  }

  xml(vm: VmId): Promise<HypervisorResult<string>> {
    return this.#onVm('xml', vm, this.#deadlines.readMs, (domain) => {
      const xml = domain?.stored?.xml;
      if (xml === undefined) return failed('noDomain', `${vm} is not defined here`);
      return { kind: 'ok', value: xml };
    });
  }

  /** Two round trips, as with libvirt: between them the agent may be paused or die. */
  async #start(
    spec: VmSpec,
    permit: Permit,
    { askedMs, mayBoot }: { readonly askedMs: number; readonly mayBoot: () => boolean },
  ): Promise<HypervisorResult<void>> {
    const { vm } = permit;
    const { changeMs, startMs, bootWithinMs } = this.#deadlines;
    const definition = domainDefinition(spec, permit);
    if (definition.kind === 'invalid') return failed('domainXmlInvalid', definition.message);
    let active = false;
    const defined = await this.#onVm<void>('define', vm, changeMs, (domain) => {
      active = domain !== undefined && isActive(domain);
      if (domain !== undefined && active) return alreadyActive(domain, permit);
      return this.#host.define(vm, { name: spec.name, permit, xml: definition.xml });
    });
    if (active || defined.kind !== 'ok') return defined;
    const lateMs = this.#env.clock.boottimeMs() - askedMs;
    if (lateMs > bootWithinMs || !mayBoot()) {
      return failed('startTooLate', `${spec.name} was not booted: held up for ${lateMs} ms`);
    }
    this.#host.startAsked(permit);
    return this.#onVm('start', vm, startMs, (domain) =>
      domain !== undefined && isActive(domain)
        ? alreadyActive(domain, permit)
        : this.#host.boot(vm, permit),
    );
  }

  #onVm<T>(
    call: SimCall,
    vm: VmId,
    deadlineMs: number,
    work: (domain: SimDomain | undefined) => SimWork<T>,
  ): Promise<HypervisorResult<T>> {
    if (uuidBytes(vm) === null)
      return Promise.resolve(failed('vmIdInvalid', `${vm} is not a UUID`));
    return this.#call(call, deadlineMs, () => work(this.#host.find(vm)));
  }

  /** Ends by an answer, at the deadline, or with the connection, whichever is first. */
  #call<T>(
    call: SimCall,
    deadlineMs: number,
    work: () => SimWork<T>,
  ): Promise<HypervisorResult<T>> {
    if (this.#daemonRun === null) {
      return Promise.resolve(failed('libvirtUnavailable', 'no connection to the daemon'));
    }
    return new Promise((resolve) => {
      const end = (result: HypervisorResult<T>): void => {
        this.#pending.delete(giveUp);
        timer.cancel();
        resolve(result);
      };
      const giveUp = (message: string): void => end({ kind: 'ambiguous', message });
      const expired = `${call} was not answered in ${deadlineMs} ms`;
      const timer = this.#env.timers.after(deadlineMs, () => giveUp(expired));
      this.#pending.add(giveUp);
      // By the agent's own timers: a paused agent hears it later, a dead one never. An answer
      // after the end changes nothing: a promise settles once.
      const hear = (result: HypervisorResult<T>): void => {
        this.#env.timers.after(0, () => end(result));
      };
      this.#host.request(call, work, hear);
    });
  }

  /** Looks again and again until the daemon answers. */
  #connect(delayMs: number): void {
    this.#env.timers.after(delayMs, () => {
      if (this.#unwatch === null || this.#daemonRun !== null) return;
      if (this.#host.daemon !== 'up') {
        this.#connect(this.#deadlines.reconnectMs);
        return;
      }
      this.#daemonRun = this.#host.daemonRun;
      this.#tell();
    });
  }

  /** The host changed. The daemon's death is known at once, its silence only after a while. */
  #observe(): void {
    if (this.#daemonRun === null) return;
    if (this.#host.daemonRun !== this.#daemonRun) {
      this.#lose('the daemon ended');
      return;
    }
    if (this.#host.daemon === 'up') {
      this.#tell();
      return;
    }
    this.#env.timers.after(this.#deadlines.silentMs, () => {
      if (this.#host.daemon === 'hung') this.#lose('the daemon is silent');
    });
  }

  #lose(reason: string): void {
    if (this.#daemonRun === null) return;
    this.#daemonRun = null;
    this.#endPending(reason);
    this.#tell();
    this.#connect(this.#deadlines.reconnectMs);
  }

  #endPending(reason: string): void {
    for (const giveUp of Array.from(this.#pending)) giveUp(reason);
  }

  #tell(): void {
    if (this.#unwatch === null) return;
    for (const listener of this.#listeners) listener();
  }
}

function describe(domain: SimDomain): HypervisorDomain {
  const { vm, name, live, transit, stored, state, reason } = domain;
  const permit = (live ?? transit ?? stored)?.permit ?? null;
  return {
    vm,
    name,
    active: isActive(domain),
    state,
    reason,
    permit,
    persistent: stored !== null,
  };
}
