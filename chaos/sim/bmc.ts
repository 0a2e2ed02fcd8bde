import type { Env } from '../../src/env/env.ts';

/** The power of a simulated node, as its BMC switches and sees it. */
export interface SimPower {
  isOn(): boolean;
  powerOff(): void;
  powerOn(): void;
}

/** How a BMC behaves. `wrongPassword` and being silent concern every request, the rest power. */
export type SimBmcMode =
  | { readonly kind: 'ok' }
  /** Accepts commands, does nothing, reports Off although the node is on. */
  | { readonly kind: 'lieOff' }
  /** Accepts commands, does nothing, reports On although the node is off. */
  | { readonly kind: 'lieOn' }
  /** Accepts commands, does nothing, reports the truth. */
  | { readonly kind: 'stuck' }
  /** Refuses every power request with an unspecified error. */
  | { readonly kind: 'fail' }
  /** Refuses every power command for being busy. */
  | { readonly kind: 'busy' }
  /** Takes this long for each power request, one after the other. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** The network is cut. What it was told before it still does. */
  | { readonly kind: 'unreachable' }
  /** It has no power, or its firmware hangs: it answers nothing and does nothing. */
  | { readonly kind: 'dead' }
  | { readonly kind: 'wrongPassword' }
  /** All its sessions are taken; who has one keeps it. */
  | { readonly kind: 'noSession' }
  /** Carries out the next command and is dead from then on. */
  | { readonly kind: 'dieMidOperation' }
  /** Accepts a command at once and carries it out this much later. */
  | { readonly kind: 'delayed'; readonly ms: number };

/** `session`: none is left. */
export type SimBmcLogin = 'open' | 'suite' | 'user' | 'password' | 'session';

export type SimBmcRequest = 'status' | 'off' | 'on';

export type SimBmcAnswer =
  | { readonly kind: 'power'; readonly power: 'on' | 'off' }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly because: 'Node busy' | 'Unspecified error' };

export interface SimBmcOptions {
  /** The simulated world's own, so that a BMC outlives the manager that talks to it. */
  readonly env: Pick<Env, 'clock' | 'timers'>;
  readonly power: SimPower;
  /** As `mc guid` tells it: 8-4-4-4-12 lower-case digits. */
  readonly guid: string;
  readonly user: string;
  readonly password: string;
  /** It has no power of its own where its machine has none. Default: always. */
  readonly isFed?: () => boolean;
  /** Cipher suites it offers; 0 lets anybody in. Default 3 and 17. */
  readonly suites?: readonly number[];
}

/** Modes that accept commands and do nothing. */
const idle: ReadonlySet<SimBmcMode['kind']> = new Set(['lieOff', 'lieOn', 'stuck']);

/** A BMC in virtual time. It answers over a session; `chaos/sim/ipmitool.ts` is its client. */
export class SimBmc {
  guid: string;
  mode: SimBmcMode = { kind: 'ok' };
  readonly suites: readonly number[];
  /** Power commands that arrived, resent ones counted again. */
  readonly received = { off: 0, on: 0 };
  /** Power commands that took effect on the node. */
  readonly executed = { off: 0, on: 0 };
  readonly #options: SimBmcOptions;
  #busyUntilMs = 0;

  constructor(options: SimBmcOptions) {
    this.#options = options;
    this.guid = options.guid;
    this.suites = options.suites ?? [3, 17];
  }

  get silent(): boolean {
    return this.mode.kind === 'unreachable' || this.#isDead;
  }

  get #isDead(): boolean {
    return this.mode.kind === 'dead' || this.#options.isFed?.() === false;
  }

  login(suite: number, user: string, password: string): SimBmcLogin {
    if (this.mode.kind === 'noSession') return 'session';
    if (!this.suites.includes(suite)) return 'suite';
    if (suite === 0) return 'open';
    if (user !== this.#options.user) return 'user';
    const right = password === this.#options.password && this.mode.kind !== 'wrongPassword';
    return right ? 'open' : 'password';
  }

  /** Works on a request; `answer` is called when and if the BMC answers. */
  request(request: SimBmcRequest, answer: (answer: SimBmcAnswer) => void): void {
    if (this.silent) return;
    if (request !== 'status') this.received[request] += 1;
    const { env } = this.#options;
    const workMs = this.mode.kind === 'slow' ? this.mode.ms : 0;
    const startMs = Math.max(env.clock.monotonicMs(), this.#busyUntilMs);
    this.#busyUntilMs = startMs + workMs;
    env.timers.after(this.#busyUntilMs - env.clock.monotonicMs(), () => {
      if (this.#isDead) return;
      const reply = request === 'status' ? this.#status() : this.#command(request);
      if (reply !== null && !this.silent) answer(reply);
    });
  }

  #status(): SimBmcAnswer {
    if (this.mode.kind === 'fail') return { kind: 'refused', because: 'Unspecified error' };
    if (this.mode.kind === 'lieOff') return { kind: 'power', power: 'off' };
    if (this.mode.kind === 'lieOn') return { kind: 'power', power: 'on' };
    return { kind: 'power', power: this.#options.power.isOn() ? 'on' : 'off' };
  }

  #command(command: 'off' | 'on'): SimBmcAnswer | null {
    const { mode } = this;
    if (mode.kind === 'fail') return { kind: 'refused', because: 'Unspecified error' };
    if (mode.kind === 'busy') return { kind: 'refused', because: 'Node busy' };
    if (mode.kind === 'delayed') {
      this.#options.env.timers.after(mode.ms, () => {
        if (!this.#isDead) this.#execute(command);
      });
    } else if (!idle.has(mode.kind)) {
      this.#execute(command);
    }
    if (mode.kind !== 'dieMidOperation') return { kind: 'accepted' };
    this.mode = { kind: 'dead' };
    return null;
  }

  #execute(command: 'off' | 'on'): void {
    this.executed[command] += 1;
    if (command === 'off') this.#options.power.powerOff();
    else this.#options.power.powerOn();
  }
}
