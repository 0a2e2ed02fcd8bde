import type { GuestList } from '../src/api/schema/session.ts';
import { vmId } from '../src/core/model/ids.ts';
import { checkKey, type GuestWatch, type Verdict } from '../src/core/model/guest.ts';
import type { Env, Timer } from '../src/env/env.ts';
import type { Hypervisor, HypervisorDomain } from './hypervisor.ts';
import { sameJson } from './same-json.ts';

/** Questions under way at once; the others wait this long and look again, in ms. */
const maxAtOnce = 32;
const crowdedMs = 100;

export interface GuestChecksOptions {
  readonly env: Env;
  readonly hypervisor: Pick<Hypervisor, 'pingGuest'>;
  /** A verdict changed. */
  readonly onChange: () => void;
}

/** One check of one start of a VM. */
interface Running {
  readonly token: number;
  readonly watch: GuestWatch;
  /** Since when it has been running, as far as it has not passed. */
  sinceMs: number;
  passed: boolean;
  failures: number;
  verdict: Verdict;
  timer: Timer | null;
}

/**
 * Asks guests what the leader wants asked, and says how each check stands since the start that the
 * permit on the domain names. Nothing is known of an earlier start, or from an earlier agent. A guest
 * that stands still is not asked, and its failures are forgotten: it could not have answered.
 */
export class GuestChecks {
  readonly #options: GuestChecksOptions;
  readonly #checks = new Map<string, Map<string, Running>>();
  #list: GuestList | null = null;
  #domains: readonly HypervisorDomain[] = [];
  #asking = 0;
  #stopped = false;

  constructor(options: GuestChecksOptions) {
    this.#options = options;
  }

  /** What an older leader wanted is no list. */
  follow(list: GuestList): void {
    if (this.#list !== null && list.epoch < this.#list.epoch) return;
    this.#list = list;
    this.#settle();
  }

  /** Every listing of the domains here. */
  note(domains: readonly HypervisorDomain[]): void {
    this.#domains = domains;
    if (this.#list !== null) this.#settle();
  }

  /** How the checks of a domain stand; undefined = nothing is asked of it. */
  verdicts({ vm, permit }: HypervisorDomain): Readonly<Record<string, Verdict>> | undefined {
    const running = [...(this.#checks.get(vm) ?? [])].filter(
      ([, each]) => each.token === permit?.token,
    );
    if (running.length === 0) return undefined;
    return Object.fromEntries(running.map(([key, each]) => [key, each.verdict]));
  }

  stop(): void {
    this.#stopped = true;
    for (const vm of this.#checks.keys()) this.#drop(vm, new Set());
  }

  #settle(): void {
    if (this.#stopped) return;
    const wanted = new Map((this.#list?.guests ?? []).map((one) => [one.vm, one.watches]));
    for (const vm of this.#checks.keys()) if (!wanted.has(vm)) this.#drop(vm, new Set());
    for (const [vm, watches] of wanted) {
      const domain = this.#domains.find((one) => one.vm === vm);
      const token = domain?.permit?.token ?? null;
      if (domain?.active !== true || token === null) this.#drop(vm, new Set());
      else this.#watch(vm, token, { watches, stands: domain.state !== 'running' });
    }
  }

  #watch(
    vm: string,
    token: number,
    now: { readonly watches: readonly GuestWatch[]; readonly stands: boolean },
  ): void {
    const known = this.#checks.get(vm) ?? new Map<string, Running>();
    this.#drop(vm, new Set(now.watches.map((watch) => checkKey(watch.check))));
    this.#checks.set(vm, known);
    for (const watch of now.watches) {
      const key = checkKey(watch.check);
      const before = known.get(key);
      const isSame = before?.token === token && sameJson(before.watch, watch);
      if (before !== undefined && isSame) {
        if (now.stands) this.#rest(before);
        else if (before.timer === null && !isOver(before)) this.#wake(vm, before);
        continue;
      }
      before?.timer?.cancel();
      const isKnown = before?.token === token && before.passed;
      const check: Running = {
        token,
        watch,
        sinceMs: this.#options.env.clock.monotonicMs(),
        passed: isKnown,
        failures: 0,
        verdict: isKnown ? 'passing' : 'pending',
        timer: null,
      };
      known.set(key, check);
      if (!now.stands && !isOver(check)) this.#askSoon(vm, check, 0);
    }
  }

  #rest(check: Running): void {
    check.timer?.cancel();
    check.timer = null;
    check.failures = 0;
  }

  /** Its process was being made, or it was paused: the grace is for a guest that runs. */
  #wake(vm: string, check: Running): void {
    if (!check.passed) check.sinceMs = this.#options.env.clock.monotonicMs();
    this.#askSoon(vm, check, 0);
  }

  #drop(vm: string, keep: ReadonlySet<string>): void {
    const known = this.#checks.get(vm);
    for (const [key, check] of known ?? []) {
      if (keep.has(key)) continue;
      check.timer?.cancel();
      known?.delete(key);
    }
    if (known?.size === 0) this.#checks.delete(vm);
  }

  #askSoon(vm: string, check: Running, afterMs: number): void {
    check.timer = this.#options.env.timers.after(afterMs, () => {
      if (this.#asking < maxAtOnce) void this.#ask(vm, check);
      else this.#askSoon(vm, check, crowdedMs);
    });
  }

  async #ask(vm: string, check: Running): Promise<void> {
    const { timer } = check;
    this.#asking += 1;
    const passed = await this.#answers(vm, check.watch);
    this.#asking -= 1;
    // It rests, or is not wanted any more: whatever came of it is of no interest.
    if (check.timer !== timer || this.#stopped || !this.#isCurrent(vm, check)) return;
    if (passed !== null) this.#judge(check, passed);
    if (isOver(check)) check.timer = null;
    else this.#askSoon(vm, check, check.watch.intervalMs);
  }

  #isCurrent(vm: string, check: Running): boolean {
    return this.#checks.get(vm)?.get(checkKey(check.watch.check)) === check;
  }

  /** Null: the question did not get to the guest. */
  async #answers(vm: string, { check, timeoutMs }: GuestWatch): Promise<boolean | null> {
    const { env, hypervisor } = this.#options;
    switch (check.kind) {
      case 'agent': {
        const { kind } = await hypervisor.pingGuest(vmId(vm), timeoutMs);
        return kind === 'ambiguous' ? null : kind === 'ok';
      }
      case 'tcp':
        return (await env.reach.tcp(check, timeoutMs)) === null;
      case 'http':
        return (await env.reach.http(check, timeoutMs)) === null;
      default:
        return check satisfies never;
    }
  }

  /**
   * A guest agent that never answered since the start may not be installed: it is not lost. A service
   * that is asked for by its address is there when the grace is over, or the guest is ill.
   */
  #judge(check: Running, passed: boolean): void {
    const { watch, sinceMs, verdict } = check;
    check.failures = passed ? 0 : check.failures + 1;
    check.passed ||= passed;
    const isLate = this.#options.env.clock.monotonicMs() - sinceMs >= watch.graceMs;
    const mayBeIll = watch.repeats && isLate && (check.passed || watch.check.kind !== 'agent');
    if (passed) check.verdict = 'passing';
    else if (mayBeIll && check.failures >= watch.failures) check.verdict = 'ill';
    if (check.verdict !== verdict) this.#options.onChange();
  }
}

/** It passed, and only that was of interest. */
function isOver({ passed, watch }: Running): boolean {
  return passed && !watch.repeats;
}
