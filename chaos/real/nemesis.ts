import { strike } from './faults.ts';
import type { PlannedFault } from './plan.ts';
import type { DoneFault } from './report.ts';
import type { Watch } from './watch.ts';

/** Carries out planned faults, each when it is told, and ends each in its time. */
export class Nemesis {
  readonly done: DoneFault[] = [];
  readonly #watch: Watch;
  readonly #say: (line: string) => void;
  readonly #open = new Map<PlannedFault, Promise<void>>();

  constructor(watch: Watch, say: (line: string) => void) {
    this.#watch = watch;
    this.#say = say;
  }

  /** Strikes now. Ends the fault by itself after its time, which this does not wait for. */
  strike(planned: PlannedFault, signal: AbortSignal): void {
    const work = this.#carryOut(planned, signal).finally(() => this.#open.delete(planned));
    this.#open.set(planned, work);
  }

  /** Returns when all that was begun has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#open.values());
  }

  async #carryOut(planned: PlannedFault, signal: AbortSignal): Promise<void> {
    const { fault, target, durationMs } = planned;
    const { observer, site } = this.#watch;
    const atMs = Math.round(observer.nowMs());
    const seconds = (durationMs / 1000).toFixed(1);
    this.#say(`${fault} ${target}${durationMs > 0 ? ` for ${seconds} s` : ''}`);
    const mode = bmcModes[fault];
    if (mode !== undefined) observer.noteNow({ kind: 'bmc', node: target, mode });
    this.#watch.trouble(target);
    let failed: string | null = null;
    try {
      const heal = await strike(site, planned);
      await pause(durationMs, signal);
      await heal();
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
      this.#say(`${fault} ${target}: ${failed}`);
    }
    if (![...this.#open.keys()].some((one) => one !== planned && one.target === target)) {
      this.#watch.calm(target);
    }
    const lastedMs = Math.round(observer.nowMs() - atMs);
    const fact = { ...planned, atMs, durationMs: durationMs === 0 ? 0 : lastedMs };
    this.done.push(failed === null ? fact : { ...fact, failed });
  }
}

/** Modes of BMCs, in the words of the checkers' facts. */
const bmcModes: Readonly<Record<string, string>> = {
  bmcLieOff: 'lieOff',
  bmcLieOn: 'lieOn',
  bmcSlow: 'slow',
  bmcDelayed: 'delayed',
};

/** Ends early when aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
