import { parseHostPort } from '../../src/api/schema/host-port.ts';
import type { HoldList, PromiseAnswer } from '../../src/api/schema/peer-hold.ts';
import type { AgentReport } from '../../src/api/schema/session.ts';
import { heldUntilMs, isInNeed } from '../../src/core/hold/asker.ts';
import { boundMs, offered, openPromiser, promised } from '../../src/core/hold/promiser.ts';
import type { KeptPromise, PromiserState } from '../../src/core/hold/promiser.ts';
import { leastMembers, type HoldTimes } from '../../src/core/hold/times.ts';
import type { Env, Timer } from '../../src/env/env.ts';
import type { LeaseAck } from '../lease.ts';
import type { HoldFile } from './hold-file.ts';
import { sameJson } from '../same-json.ts';
import { holdLink } from './hold-link.ts';

export interface PeerHoldOptions {
  readonly env: Env;
  readonly clusterId: string;
  readonly node: string;
  readonly file: HoldFile;
  /** What the start before left on disk. */
  readonly kept: KeptPromise;
  /** The petter has this incarnation's token: it is to be held when its lease runs out. */
  readonly fencesItself: () => boolean;
  /** It promises something: its lease, if it has one still, is given up. */
  readonly onPromise: () => void;
  /** Enough others promise: VMs may run until then, boot-time ms. */
  readonly onHeld: (untilMs: number) => void;
  /** What is reported has changed. */
  readonly onChange: () => void;
}

/** Questions per promise's length, so that some may be lost. */
const asksPerPromise = 4;

/**
 * The agent's part in peer hold (docs/peer-hold.md): it promises others that it holds no lease, says
 * in its heartbeats for how long it does not, takes leases only when it has promised nothing, and
 * asks the others when its own lease is not renewed. What counts is decided in `src/core/hold`.
 */
export class PeerHold {
  readonly #options: PeerHoldOptions;
  readonly #links = new Map<string, ReturnType<typeof holdLink>>();
  readonly #promises = new Map<string, number>();
  #promiser: PromiserState;
  #list: HoldList | null = null;
  #times: HoldTimes | null = null;
  /** Sending of the heartbeat of the last lease that was taken, and who granted it. */
  #leased: { readonly sentAtMs: number; readonly epoch: number; readonly untilMs: number } | null =
    null;
  #held = false;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: PeerHoldOptions) {
    this.#options = options;
    this.#promiser = openPromiser(options.kept, options.env.clock.boottimeMs());
  }

  /** What the report says of it. */
  get reported(): AgentReport['peerHold'] {
    return this.#list === null ? null : { mark: this.#list.mark, held: this.#held };
  }

  /** A leader grants a lease. False = it must not be taken yet. */
  offered(ack: LeaseAck): boolean {
    const { taken, state } = offered(this.#promiser, ack.sentAtMs, this.#nowMs());
    this.#promiser = state;
    if (!taken) return false;
    const untilMs = ack.sentAtMs + ack.leaseTtlMs;
    if (this.#leased === null || this.#leased.untilMs < untilMs) {
      this.#leased = { sentAtMs: ack.sentAtMs, epoch: ack.epoch, untilMs };
    }
    void this.#note(false);
    if (this.#timer === null) this.#look();
    return true;
  }

  /** A list of an older leader, or an older list of the same one, is no list. */
  follow(list: HoldList): void {
    const known = this.#list;
    const isOlder =
      known !== null &&
      (list.epoch < known.epoch || (list.epoch === known.epoch && list.number < known.number));
    if (isOlder || this.#isStopped) return;
    this.#list = list;
    const kept = this.#options.file.durable;
    const longest = (value: number, ...others: readonly (number | undefined)[]): number =>
      Math.max(value, ...others.map((other) => other ?? 0));
    this.#times = {
      leaseMs: list.leaseMs,
      promiseMs: list.promiseMs,
      bindMs: longest(list.bindMs, this.#times?.bindMs, kept?.bindMs),
      keepMs: longest(list.keepMs, this.#times?.keepMs, kept?.keepMs),
    };
    this.#dropAllBut(
      list.members.filter((one) => known?.members.some((other) => sameJson(one, other))),
    );
    void this.#note(this.#promiser.promisedUntilMs > this.#nowMs());
    this.#options.onChange();
    this.#look();
  }

  /** For how long from now it holds a lease and makes no promise, ms; 0 = it says nothing. */
  boundMs(): number {
    const times = this.#times;
    const kept = this.#options.file.durable;
    // The next start of this agent has to keep to it as well.
    if (times === null || !this.#isOn() || (kept?.bindMs ?? 0) < times.bindMs) return 0;
    return boundMs(this.#promiser, times, this.#nowMs());
  }

  /** Another agent asks for a promise. */
  async answer(sequence: number): Promise<PromiseAnswer> {
    const no = { kind: 'promise', sequence, promised: false } as const;
    const times = this.#times;
    if (times === null || !this.#isOn()) return no;
    const next = promised(this.#promiser, times, this.#nowMs());
    if (next === null) return no;
    this.#promiser = next;
    this.#options.onPromise();
    // On disk before it is sent: the next start of this agent takes no lease under it.
    return { ...no, promised: await this.#note(true) };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#dropAllBut([]);
    await this.#options.file.close();
  }

  #nowMs(): number {
    return this.#options.env.clock.boottimeMs();
  }

  #isOn(): boolean {
    return !this.#isStopped && (this.#list?.members.length ?? 0) >= leastMembers;
  }

  async #note(promising: boolean): Promise<boolean> {
    const times = this.#times;
    if (times === null) return false;
    const { bindMs, keepMs } = times;
    return this.#options.file.write({ promising, bindMs, keepMs });
  }

  /** Asks if it must, and sees to it that it looks again. */
  #look(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const times = this.#times;
    const leased = this.#leased;
    const mayBeHeld = this.#isOn() && this.#options.fencesItself() && this.#isUsable();
    if (times === null || leased === null || !mayBeHeld) {
      this.#rest();
      return;
    }
    const { timers } = this.#options.env;
    if (isInNeed(leased.sentAtMs, times, this.#nowMs())) {
      this.#ask();
      this.#setHeld();
      this.#timer = timers.after(times.promiseMs / asksPerPromise, () => this.#look());
      return;
    }
    this.#rest();
    const inMs = leased.sentAtMs + times.bindMs / 2 - this.#nowMs();
    this.#timer = timers.after(Math.max(1, Math.ceil(inMs)), () => this.#look());
  }

  /** What an older leader told counts no more once a newer one has granted a lease. */
  #isUsable(): boolean {
    return this.#list !== null && this.#list.epoch >= (this.#leased?.epoch ?? 0);
  }

  #rest(): void {
    this.#dropAllBut([]);
    this.#setHeld();
  }

  #ask(): void {
    const { env, clusterId, node } = this.#options;
    for (const { name, fingerprint, address } of this.#list?.members ?? []) {
      const parsed = address === null ? null : parseHostPort(address);
      if (name === node || parsed === null || parsed.kind === 'invalid') continue;
      const known = this.#links.get(name);
      if (known !== undefined) {
        known.ask();
        continue;
      }
      const { host, port } = parsed;
      const onPromise = (sentMs: number): void => this.#promised(name, sentMs);
      const link = holdLink({
        env,
        clusterId,
        name,
        fingerprint,
        address: { host, port },
        onPromise,
      });
      this.#links.set(name, link);
      link.start();
    }
  }

  #dropAllBut(members: HoldList['members']): void {
    const kept = new Set(members.map(({ name }) => name));
    for (const [name, link] of this.#links) {
      if (kept.has(name)) continue;
      link.stop();
      this.#links.delete(name);
      this.#promises.delete(name);
    }
  }

  #promised(name: string, sentMs: number): void {
    this.#promises.set(name, Math.max(sentMs, this.#promises.get(name) ?? 0));
    const list = this.#list;
    const times = this.#times;
    if (list === null || times === null || !this.#isUsable()) return;
    const members = list.members.map((member) => member.name);
    const holder = { members, self: this.#options.node };
    const untilMs = heldUntilMs(holder, this.#promises, times, this.#nowMs());
    if (untilMs === null) return;
    this.#options.onHeld(untilMs);
    this.#setHeld();
  }

  /** Held: the lease is over, or given up, and promises run. */
  #setHeld(): void {
    const times = this.#times;
    const nowMs = this.#nowMs();
    const isLeased = nowMs < (this.#leased?.untilMs ?? nowMs) && this.#promiser.holdsLease;
    const members = this.#list?.members.map((member) => member.name) ?? [];
    const held =
      times !== null &&
      !isLeased &&
      heldUntilMs({ members, self: this.#options.node }, this.#promises, times, nowMs) !== null;
    if (held === this.#held) return;
    this.#held = held;
    this.#options.env.log.info({ held }, held ? 'held by the other nodes' : 'not held any more');
    this.#options.onChange();
  }
}
