import type { Env, Timer } from '../src/env/env.ts';
import type { GoingDown, HostPower } from './host-power.ts';

/** How long the machine is held up for its VMs, in ms. */
const patienceMs = 10 * 60_000;
/** How long without a word of any leader before nobody is expected to care for them, in ms. */
const unheardMs = 30_000;
const lookMs = 1000;

interface DepartureOptions {
  readonly env: Env;
  readonly power: HostPower | null;
  /** When a leader last granted a lease, by the boot-time clock in ms; null = never. */
  readonly lastLeaseMs: () => number | null;
  readonly onChange: () => void;
}

/**
 * Holds a shutdown of the machine up until the leader says that its VMs are cared for. The leader reads
 * of it in the reports, so that nothing is lost when another one takes the lead meanwhile.
 */
export class Departure {
  readonly #options: DepartureOptions;
  #leaving: GoingDown | null = null;
  #sinceMs = 0;
  #timer: Timer | null = null;
  #isLetGo = false;

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  /** What the operating system is at; null = it runs on. */
  get leaving(): GoingDown | null {
    return this.#leaving;
  }

  start(): void {
    this.#options.power?.watch((kind) => this.#begin(kind));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#options.power?.close();
  }

  /** The leader's word. `action`: what a person wants of the machine, which is not at it yet. */
  mayGo(action: GoingDown | null): void {
    const { power } = this.#options;
    if (this.#isLetGo) return;
    this.#letGo('its VMs are cared for');
    if (action === null || power === null || this.#leaving !== null) return;
    void this.#goDown(power, action);
  }

  async #goDown(power: HostPower, action: GoingDown): Promise<void> {
    const because = await power.goDown(action);
    if (because === null) return;
    this.#options.env.log.error({ action, because }, 'the machine does not go down');
    // Asked again, it tries again.
    this.#isLetGo = false;
  }

  #begin(kind: GoingDown | null): void {
    const { env, onChange } = this.#options;
    if (kind === this.#leaving) return;
    env.log.info({ kind }, kind === null ? 'the shutdown was called off' : 'the machine goes down');
    this.#leaving = kind;
    this.#timer?.cancel();
    if (kind === null) this.#isLetGo = false;
    else if (!this.#isLetGo) {
      this.#sinceMs = env.clock.boottimeMs();
      this.#look();
    }
    onChange();
  }

  /** Nobody keeps a machine up for ever, least of all a leader that is gone. */
  #look(): void {
    const { env, lastLeaseMs } = this.#options;
    const nowMs = env.clock.boottimeMs();
    const heardMs = Math.max(this.#sinceMs, lastLeaseMs() ?? 0);
    if (nowMs - this.#sinceMs >= patienceMs) this.#letGo('it took too long');
    else if (nowMs - heardMs >= unheardMs) this.#letGo('no leader answers');
    else this.#timer = env.timers.after(lookMs, () => this.#look());
  }

  #letGo(because: string): void {
    this.#timer?.cancel();
    this.#isLetGo = true;
    this.#options.env.log.info({ because }, 'a shutdown is not held up any more');
    this.#options.power?.letGo();
  }
}
