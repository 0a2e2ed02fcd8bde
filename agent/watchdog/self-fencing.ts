import type { VmId } from '../../src/core/model/ids.ts';
import type { WatchdogAttestation } from '../../src/core/model/node.ts';
import { attestationProblems } from '../../src/core/proof/attestation.ts';
import type { Log } from '../../src/env/log.ts';
import type { LeaseAck } from '../lease.ts';
import type { PetterToken } from './petter-core.ts';
import type { TokenAnswer } from './petter.ts';

/** The way to this node's petter. Every call rejects when there is none that answers. */
export interface PetterLink {
  attest(): Promise<WatchdogAttestation>;
  send(token: PetterToken): Promise<TokenAnswer>;
  /** False when it may not be dropped. */
  drop(): Promise<boolean>;
}

export interface SelfFencingOptions {
  readonly link: PetterLink;
  readonly policy: 'holding' | 'selfFencing';
  readonly self: Pick<PetterToken, 'bootId' | 'incarnation' | 'agentPid'>;
  readonly log: Log;
  /** VMs with a permit that run here; null = the hypervisor has not said. */
  readonly running: () => readonly string[] | null;
  /** What the node does when its lease runs out has changed. */
  readonly onChange: () => void;
}

/** What a lease says to the petter. */
export interface LeaseTerms {
  readonly untilMs: number;
  readonly graceMs: number;
  readonly watchdogMs: number;
}

/** A petter that does not answer so often in a row is relied on no more. */
const failuresBorne = 3;

/**
 * The agent's side of self-fencing: it tells the petter until when the VMs may run, names every VM to
 * it before it is booted, and says that the node self-fences only once the petter knows them all. The
 * killing is the petter's, who needs neither this process nor the hypervisor's daemon for it.
 */
export class SelfFencing {
  readonly #options: SelfFencingOptions;
  /** Booted, or about to be, by this incarnation. */
  readonly #booted = new Set<string>();
  #running: readonly string[] = [];
  #terms: LeaseTerms | null = null;
  #attested: WatchdogAttestation | null = null;
  #because: string | null = null;
  #failures = 0;
  #dropped = false;
  #sending: Promise<boolean> | null = null;

  constructor(options: SelfFencingOptions) {
    this.#options = options;
  }

  /** The watchdog that this incarnation relies on; null = it holds. */
  get attested(): WatchdogAttestation | null {
    return this.#attested;
  }

  /** A lease was granted. */
  leased(ack: LeaseAck, untilMs: number): void {
    const latestMs = Math.max(untilMs, this.#terms?.untilMs ?? untilMs);
    this.#terms = { untilMs: latestMs, graceMs: ack.graceMs, watchdogMs: ack.watchdogMs };
    if (this.#options.policy === 'holding') void this.#hold();
    else this.#sending ??= this.#send().finally(() => (this.#sending = null));
  }

  /** Enough other nodes promise that they hold no lease: VMs may run until then (docs/peer-hold.md). */
  held(untilMs: number): void {
    const terms = this.#terms;
    if (terms === null || this.#attested === null || untilMs <= terms.untilMs) return;
    this.#terms = { ...terms, untilMs };
    this.#sending ??= this.#send().finally(() => (this.#sending = null));
  }

  /**
   * Names a VM to the petter before it is booted or taken over. False when the node self-fences and
   * the petter did not take it: then it must not run here.
   */
  async covers(vm: VmId): Promise<boolean> {
    this.#booted.add(vm);
    await this.#sending;
    if (this.#attested === null) return true;
    this.#sending = this.#send().finally(() => (this.#sending = null));
    return this.#sending;
  }

  /** It is gone and will not be started by what was asked for so far. */
  forget(vm: VmId): void {
    this.#booted.delete(vm);
  }

  /** An incarnation that holds was granted a lease, so it is admitted as one. */
  async #hold(): Promise<void> {
    if (this.#dropped) return;
    this.#dropped = true;
    try {
      this.#dropped = await this.#options.link.drop();
    } catch {
      this.#dropped = false;
    }
  }

  async #send(): Promise<boolean> {
    const { link, self } = this.#options;
    const terms = this.#terms;
    const running = this.#options.running();
    // What runs here must be known once, or the petter would guard less than there is.
    if (terms === null || (running === null && this.#attested === null)) return false;
    this.#running = running ?? this.#running;
    try {
      const [problem] = attestationProblems(await link.attest(), terms);
      if (problem !== undefined) return this.#failed(problem, true);
      const answer = await link.send({
        ...self,
        deadlineMs: terms.untilMs,
        graceMs: terms.graceMs,
        vms: [...new Set([...this.#running, ...this.#booted])],
      });
      if (answer.kind === 'refused') return this.#failed(answer.because, false);
      this.#failures = 0;
      this.#note(answer.watchdog, null);
      return true;
    } catch (error) {
      return this.#failed(error instanceof Error ? error.message : String(error), false);
    }
  }

  #failed(because: string, atOnce: boolean): false {
    this.#failures += 1;
    if (atOnce || this.#failures >= failuresBorne) this.#note(null, because);
    return false;
  }

  #note(watchdog: WatchdogAttestation | null, because: string | null): void {
    if (because !== null && because !== this.#because) {
      this.#options.log.warn({ because }, 'the watchdog is not relied on');
    }
    this.#because = because;
    const isNew = JSON.stringify(watchdog) !== JSON.stringify(this.#attested);
    this.#attested = watchdog;
    if (isNew) this.#options.onChange();
  }
}
