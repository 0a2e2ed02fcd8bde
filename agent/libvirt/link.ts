import type { Timer } from '../../src/env/env.ts';
import type { Dial } from './byte-stream.ts';
import type { CallResult, ConnectionOptions, SendGuard } from './connection.ts';
import { LibvirtConnection } from './connection.ts';
import { handshake } from './handshake.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import type { Procedure } from './procedures.ts';

export interface LinkOptions extends ConnectionOptions {
  /** What libvirtd is asked to open, `qemu:///system`. */
  readonly uri: string;
  /** Deadline of each call of the handshake. */
  readonly handshakeMs: number;
  /** Pause before the second try; doubled each time, and spread to between half and all of it. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** A connection that lived this long was healthy: the backoff starts anew. */
  readonly healthyMs: number;
}

/** Why there is no connection. `code` is stable, `message` is for people. */
export interface LinkProblem {
  readonly code: string;
  readonly message: string;
}

/** What the owner of a link is told. `down` comes only after an `up`. */
export interface LinkEvents {
  /** Runs after the handshake and before the link counts as up, for example to register events. */
  readonly prepare: (connection: LibvirtConnection) => Promise<LinkProblem | null>;
  readonly up: () => void;
  readonly down: (problem: LinkProblem) => void;
  readonly event: (procedure: number, payload: Uint8Array) => void;
}

/** One connection that is kept open: dials, shakes hands, and dials again with backoff and jitter. */
export class Link {
  readonly #env: LibvirtEnv;
  readonly #dial: Dial;
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #connection: LibvirtConnection | null = null;
  #ready = false;
  #running = false;
  #backoffMs: number;
  #retry: Timer | null = null;
  #problem: LinkProblem = { code: 'libvirtUnavailable', message: 'not opened' };
  /** Why we are about to close the connection ourselves. */
  #refusal: LinkProblem | null = null;

  constructor(env: LibvirtEnv, dial: Dial, options: LinkOptions, events: LinkEvents) {
    this.#env = env;
    this.#dial = dial;
    this.#options = options;
    this.#events = events;
    this.#backoffMs = options.minBackoffMs;
  }

  /** Begins to dial. Returns at once. */
  open(): void {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  /** Ends the connection and all pending calls; nothing is dialled afterwards. */
  close(): void {
    this.#running = false;
    this.#retry?.cancel();
    this.#retry = null;
    this.#connection?.close('closed by the agent');
  }

  up(): boolean {
    return this.#ready;
  }

  /** Why the link is down, or null while it is up. */
  problem(): LinkProblem | null {
    return this.#ready ? null : this.#problem;
  }

  /** As `LibvirtConnection.call`; `notSent` with the link's problem while it is down. */
  call<Args, Ret>(
    procedure: Procedure<Args, Ret>,
    args: Args,
    deadlineMs: number,
    guard: SendGuard | null = null,
  ): Promise<CallResult<Ret>> {
    if (!this.#ready || this.#connection === null) {
      return Promise.resolve({ kind: 'notSent', ...this.#problem });
    }
    return this.#connection.call(procedure, args, deadlineMs, guard);
  }

  #connect(): void {
    const connection = new LibvirtConnection(this.#env, this.#dial(), this.#options);
    const openedMs = this.#env.clock.monotonicMs();
    this.#connection = connection;
    connection.onEvent(this.#events.event);
    connection.onClose((reason) => {
      const problem = this.#refusal ?? { code: 'libvirtUnavailable', message: reason };
      this.#refusal = null;
      this.#lost(problem, openedMs);
    });
    void this.#establish(connection);
  }

  async #establish(connection: LibvirtConnection): Promise<void> {
    const { uri, handshakeMs } = this.#options;
    const result = await handshake(connection, uri, handshakeMs);
    const problem = result.kind === 'ready' ? await this.#events.prepare(connection) : result;
    if (connection.closedBecause() !== null) return;
    if (problem !== null) {
      this.#refusal = { code: problem.code, message: problem.message };
      connection.close(problem.message);
      return;
    }
    this.#ready = true;
    this.#events.up();
  }

  #lost(problem: LinkProblem, openedMs: number): void {
    const wasReady = this.#ready;
    this.#ready = false;
    this.#connection = null;
    if (wasReady || problem.code !== this.#problem.code) {
      this.#env.log.warn({ code: problem.code }, `libvirt connection down: ${problem.message}`);
    }
    this.#problem = problem;
    if (wasReady) this.#events.down(problem);
    if (!this.#running) return;
    const lifeMs = this.#env.clock.monotonicMs() - openedMs;
    // A daemon that drops every connection soon after the handshake is not dialled in a tight loop.
    if (wasReady && lifeMs >= this.#options.healthyMs) this.#backoffMs = this.#options.minBackoffMs;
    const delayMs = this.#backoffMs * (0.5 + this.#env.random.fraction() / 2);
    this.#backoffMs = Math.min(this.#backoffMs * 2, this.#options.maxBackoffMs);
    this.#retry = this.#env.timers.after(delayMs, () => this.#connect());
  }
}
