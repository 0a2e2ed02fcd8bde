import type { MigrationProgress, MigrationRequest } from '../../agent/hypervisor.ts';
import type { SimDomain, SimOutcome } from './sim-domain.ts';
import { done, failed } from './sim-domain.ts';
import type { SimHost } from './sim-host.ts';

/** The host that an address leads to, as the source's daemon sees it. */
export interface MigrationPeer {
  readonly host: SimHost;
  /** Packets pass there and back now. */
  readonly reachable: () => boolean;
}

/** Simulated times of a migration, in ms. */
export interface MigrationTimes {
  /** From the first byte to the switch-over; 0.5 to 1.5 of it when the host has a random. */
  readonly copyMs: number;
  /** Silence of the other daemon after which a connection counts as broken. */
  readonly silentMs: number;
  /** How soon a target whose source gave up drops what it has. */
  readonly dropMs: number;
}

export const defaultMigrationTimes: MigrationTimes = { copyMs: 1500, silentMs: 8000, dropMs: 400 };

/** How often the two ends look whether the other is there, in ms. */
const tickMs = 100;

/** What one migration needs of the host that it leaves. */
export interface MigrationSource {
  readonly host: SimHost;
  readonly domain: SimDomain;
  readonly times: MigrationTimes;
  /** Between 0 and 1. */
  readonly fraction: () => number;
  /** False = the guest changes its memory faster than it is copied. */
  readonly converges: () => boolean;
  /** The guest stands still and can write no more. */
  pause(): void;
  /** It goes on here. */
  goOn(): void;
  /** It is gone from here, its definition is left. */
  leave(): void;
}

/**
 * One peer-to-peer migration as libvirt's two daemons carry it out, step by step and with what each of
 * them does when the other is not heard:
 *
 * - the target makes a domain that waits for the copy (`incoming`);
 * - the copy is made while the guest runs; whatever breaks now, the guest runs on at the source;
 * - the guest is stopped and the target is told to finish. When its yes arrives the source forgets the
 *   domain. When it does not, libvirt lets the source go on, although the target may have said yes; so a
 *   copy that was finished may lie there, older than the disk. It stands still, because it was asked to.
 */
export class SimMigration {
  readonly #source: MigrationSource;
  readonly #peer: MigrationPeer;
  readonly #request: MigrationRequest;
  readonly #startedMs: number;
  readonly #copyMs: number;
  readonly #end: (outcome: SimOutcome<void>) => void;
  readonly #daemonRun: number;
  #leftMs: number;
  #silentMs = 0;
  #aborted = false;
  #isOver = false;
  #isSwitching = false;

  constructor(
    source: MigrationSource,
    peer: MigrationPeer,
    request: MigrationRequest,
    { nowMs, end }: { readonly nowMs: number; readonly end: (outcome: SimOutcome<void>) => void },
  ) {
    this.#source = source;
    this.#peer = peer;
    this.#request = request;
    this.#startedMs = nowMs;
    this.#copyMs = source.times.copyMs * (0.5 + source.fraction());
    this.#leftMs = this.#copyMs;
    this.#end = end;
    this.#daemonRun = source.host.daemonRun;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  abort(): void {
    this.#aborted = true;
  }

  progress(nowMs: number): MigrationProgress {
    const totalBytes = 512 * 1024 * 1024;
    const remainingBytes = Math.round((totalBytes * Math.max(0, this.#leftMs)) / this.#copyMs);
    return { totalBytes, remainingBytes, elapsedMs: nowMs - this.#startedMs };
  }

  /** The source's daemon died. What it does about it when it comes back is done now. */
  daemonDied(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // After the switch-over nobody can tell which side has the guest: it is left standing.
    if (!this.#isSwitching) this.#dropAtTarget();
  }

  begin(): void {
    const { host, domain } = this.#source;
    this.#ask(
      'arrive',
      () => this.#peer.host.transit.arrive(domain, this.#request.permit),
      (outcome) => {
        if (outcome.kind === 'failed') this.#fail(outcome.code, outcome.message);
        else host.after(tickMs, () => this.#copy());
      },
    );
  }

  #copy(): void {
    const { host, domain, converges } = this.#source;
    if (this.#isOver) return;
    if (domain.live === undefined) {
      this.#fail('libvirtOperationFailed', 'the domain ended while it was migrated');
      return;
    }
    if (this.#aborted) {
      this.#fail('operationAborted', 'the migration was cancelled');
      return;
    }
    if (domain.state !== 'running') {
      this.#fail('libvirtOperationFailed', 'the domain stopped on an I/O error');
      return;
    }
    const target = this.#peer.host;
    if (target.transit.incoming(domain.vm) === null) {
      this.#fail('libvirtOperationFailed', 'the other side closed the connection');
      return;
    }
    const heard = this.#peer.reachable() && !target.frozen && target.daemon === 'up';
    this.#silentMs = heard ? 0 : this.#silentMs + tickMs;
    if (this.#silentMs >= this.#source.times.silentMs) {
      this.#fail('libvirtRpc', 'the other side does not answer');
      return;
    }
    if (heard && (converges() || this.#leftMs > this.#copyMs / 10)) this.#leftMs -= tickMs;
    if (this.#leftMs <= 0) this.#switchOver();
    else host.after(tickMs, () => this.#copy());
  }

  #switchOver(): void {
    const { domain } = this.#source;
    this.#isSwitching = true;
    this.#source.pause();
    this.#ask(
      'finish',
      () => this.#peer.host.transit.finish(domain.vm),
      (outcome) => {
        if (outcome.kind === 'ok') this.#succeed();
        else this.#fail(outcome.code, outcome.message);
      },
    );
  }

  /** Calls the other daemon; its answer counts only if it comes before the connection is given up. */
  #ask(
    call: 'arrive' | 'finish',
    work: () => SimOutcome<void>,
    hear: (outcome: SimOutcome<void>) => void,
  ): void {
    const { host, times } = this.#source;
    let isAnswered = false;
    const answer = (outcome: SimOutcome<void>): void => {
      if (isAnswered || this.#isOver) return;
      isAnswered = true;
      hear(outcome);
    };
    host.after(times.silentMs, () => answer(failed('libvirtRpc', 'the other side is silent')));
    if (!this.#peer.reachable()) return;
    this.#peer.host.request(call, work, (outcome) => {
      // The way back: a cut or a frozen source loses it.
      if (this.#peer.reachable()) host.after(1, () => answer(outcome));
    });
  }

  #succeed(): void {
    this.#isOver = true;
    this.#source.leave();
    this.#tell(done);
  }

  #fail(code: string, message: string): void {
    this.#isOver = true;
    if (this.#isSwitching) this.#source.goOn();
    this.#dropAtTarget();
    this.#tell(failed(code, message));
  }

  #tell(outcome: SimOutcome<void>): void {
    if (this.#source.host.daemonRun === this.#daemonRun) this.#end(outcome);
  }

  /** At once when it hears of it, else when its own connection breaks. A finished copy stays. */
  #dropAtTarget(): void {
    const { times, domain, fraction } = this.#source;
    const { host } = this.#peer;
    const afterMs = this.#peer.reachable() ? times.dropMs * fraction() : times.silentMs;
    host.after(afterMs, () => host.transit.drop(domain.vm, this.#request.permit));
  }
}
