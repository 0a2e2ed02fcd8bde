import type { Timer, Timers } from '../../env/env.ts';
import type { Log } from '../../env/log.ts';
import { Channel, type ChannelOptions } from './rpc/channel.ts';
import { methods } from './rpc/methods.ts';
import { messageOf, RpcFailed } from './rpc/rpc-failed.ts';
import { versionRemark } from './server-version.ts';
import { endpointName } from './settings.ts';

export interface MemberState {
  readonly name: string;
  readonly healthy: boolean;
  /** Null until it answered once. */
  readonly version: string | null;
  /** Its space is used up, so the cluster takes no writes. */
  readonly isOutOfSpace: boolean;
  /** Why it is not healthy. */
  readonly because: string | null;
}

interface MembersOptions extends ChannelOptions {
  readonly timers: Timers;
  readonly log: Log;
  readonly everyMs: number;
  readonly timeoutMs: number;
}

/** What each member says of itself, asked one by one, for people and for the check of versions. */
export class Members {
  readonly #options: MembersOptions;
  readonly #channels: readonly Channel[];
  #states: readonly MemberState[];
  #timer: Timer | null = null;
  #hasEnded = false;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#channels = options.endpoints.map(
      (endpoint) => new Channel({ ...options, endpoints: [endpoint] }),
    );
    this.#states = options.endpoints.map((endpoint) => ({
      name: endpointName(endpoint),
      healthy: false,
      version: null,
      isOutOfSpace: false,
      because: 'not asked yet',
    }));
  }

  get states(): readonly MemberState[] {
    return this.#states;
  }

  /** A write was refused for want of space: nothing else is written until a member says otherwise. */
  noteOutOfSpace(): void {
    this.#states = this.#states.map((state) => ({ ...state, isOutOfSpace: true }));
  }

  /** Asks all of them once. Never rejects. */
  async ask(): Promise<readonly MemberState[]> {
    const before = this.#states;
    const asked = this.#channels.map((channel, index) => this.#askOne(channel, before[index]));
    this.#states = (await Promise.all(asked)).filter((state) => state !== undefined);
    return this.#states;
  }

  /** Asks for ever, until `close`. */
  keepAsking(): void {
    if (this.#hasEnded) return;
    this.#timer = this.#options.timers.after(this.#options.everyMs, () => {
      void this.ask().finally(() => this.keepAsking());
    });
  }

  close(): void {
    this.#hasEnded = true;
    this.#timer?.cancel();
    for (const channel of this.#channels) channel.close();
  }

  async #askOne(
    channel: Channel,
    before: MemberState | undefined,
  ): Promise<MemberState | undefined> {
    if (before === undefined) return undefined;
    try {
      const status = await channel.once(methods.status, {}, this.#options.timeoutMs);
      const hasLeader = status.leader !== 0n;
      const problems = status.errors.filter((error) => !error.includes('NOSPACE'));
      const because = hasLeader ? (problems[0] ?? null) : 'it knows no leader';
      this.#noteVersion(before, status.version);
      return {
        name: before.name,
        healthy: because === null,
        version: status.version,
        isOutOfSpace: status.errors.length > problems.length,
        because,
      };
    } catch (error) {
      const wasSent = !(error instanceof RpcFailed) || error.wasSent;
      const because = wasSent
        ? messageOf(error)
        : await channel.whyNotSent(this.#options.timeoutMs / 2);
      return { ...before, healthy: false, because };
    }
  }

  #noteVersion(before: MemberState, version: string): void {
    if (before.version === version) return;
    const remark = versionRemark(version);
    if (remark === null) return;
    const { log } = this.#options;
    const fields = { member: before.name };
    if (remark.isRefusal) log.error(fields, remark.text);
    else log.warn(fields, remark.text);
  }
}
