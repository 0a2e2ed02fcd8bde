import type { MigrationProgress, MigrationRequest } from '../../agent/hypervisor.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import { done, failed } from './sim-domain.ts';
import type { SimOutcome, SimTemper, SimWork } from './sim-domain.ts';
import type { SimHost } from './sim-host.ts';
import { SimMigration } from './sim-migration.ts';
import type { MigrationPeer, MigrationTimes } from './sim-migration.ts';

interface SimOutgoingOptions {
  readonly host: SimHost;
  readonly temperOf: (vm: VmId) => SimTemper | undefined;
  readonly fraction: () => number;
  readonly peerAt: (address: string) => MigrationPeer | null;
  readonly times: MigrationTimes;
}

/** Migrations that leave a host: the source's half. */
export class SimOutgoing {
  readonly #options: SimOutgoingOptions;
  readonly #migrations = new Map<VmId, SimMigration>();

  constructor(options: SimOutgoingOptions) {
    this.#options = options;
  }

  migrate(request: MigrationRequest, nowMs: () => number): SimWork<void> {
    const { host, temperOf, fraction, peerAt, times } = this.#options;
    const { vm, address } = request;
    const { transit } = host;
    const domain = host.find(vm);
    const peer = peerAt(address);
    const running = this.#migrations.get(vm);
    if (domain?.live === undefined) return failed('operationInvalid', `${vm} is not active`);
    if (running !== undefined && !running.isOver) return failed('domainBusy', `${vm} is migrated`);
    if (peer === null) return failed('libvirtRpc', `nobody is at ${address}`);
    if (temperOf(vm)?.migrates?.() === false) {
      return failed('libvirtOperationFailed', `${domain.name} could not be copied`);
    }
    const source = {
      host,
      domain,
      times,
      fraction,
      converges: () => temperOf(vm)?.converges?.() !== false,
      pause: () => transit.stand(domain),
      goOn: () => {
        if (domain.transit?.kind === 'outgoing') transit.wake(domain, 'migrationCancelled');
      },
      leave: () => {
        if (domain.transit?.kind === 'outgoing') transit.clear(domain, 'migrated');
      },
    };
    const run = (end: (outcome: SimOutcome<void>) => void): void => {
      const migration = new SimMigration(source, peer, request, { nowMs: nowMs(), end });
      this.#migrations.set(vm, migration);
      migration.begin();
    };
    return { kind: 'open', run };
  }

  abort(vm: VmId): SimOutcome<void> {
    this.#migrations.get(vm)?.abort();
    return done;
  }

  /** The daemon died, and with it what it was at. */
  daemonDied(): void {
    for (const migration of this.#migrations.values()) migration.daemonDied();
    this.forget();
  }

  /** The host lost its power. */
  forget(): void {
    this.#migrations.clear();
  }

  progressOf(vm: VmId, nowMs: number): MigrationProgress | null {
    const migration = this.#migrations.get(vm);
    return migration === undefined || migration.isOver ? null : migration.progress(nowMs);
  }
}
