import { DiskError } from '../src/env/disk.ts';
import type { Env, Timer } from '../src/env/env.ts';
import { KennelError } from '../src/errors/kennel-error.ts';
import { decodeState, encodeState, pruned, raised } from './state-format.ts';
import type { AgentState, JournalEntry } from './state-format.ts';

export interface StateFileOptions {
  readonly env: Env;
  readonly path: string;
  readonly retryMs: number;
}

export interface StateOwner {
  readonly clusterId: string;
  readonly node: string;
  readonly bootId: string;
}

export type UpdateResult =
  | { readonly kind: 'durable' }
  | { readonly kind: 'failed'; readonly because: string };

interface Pending {
  readonly change: (state: AgentState) => AgentState;
  readonly resolve: (result: UpdateResult) => void;
}

/** What the file held: the state of the last incarnation, or null when there is none to use. */
export async function readStateFile(
  options: StateFileOptions,
  owner: StateOwner,
): Promise<AgentState | null> {
  const { env, path } = options;
  let bytes: Uint8Array | null;
  try {
    bytes = await env.disk.read(path);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    env.log.error({ path, err: error.message }, 'state file cannot be read, starting without it');
    return null;
  }
  if (bytes === null) return null;
  const decoded = decodeState(bytes);
  if (decoded.kind === 'damaged') {
    env.log.error({ path, err: decoded.because }, 'state file is damaged, starting without it');
    await setAside(env, path);
    return null;
  }
  const { state } = decoded;
  if (state.clusterId === owner.clusterId && state.node === owner.node) return pruned(state);
  throw new KennelError({
    code: 'E_DATA_DIRECTORY',
    what: `${path} belongs to another agent`,
    because: `it was written by node ${state.node} of cluster ${state.clusterId}`,
    so: 'the agent does not start; VMs that run here are not touched',
    try: [
      `start the agent of ${owner.node} with its own data directory`,
      `if this machine has really changed its cluster or name, move ${path} away`,
    ],
  });
}

async function setAside(env: Env, path: string): Promise<void> {
  try {
    await env.disk.rename(path, `${path}.damaged`);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    env.log.warn({ path, err: error.message }, 'damaged state file cannot be set aside');
  }
}

/**
 * The agent's memory on disk: newest epoch, newest token per VM, operations in flight. `update`
 * resolves `durable` only once the change is on disk; whoever has an effect to guard waits for it.
 *
 * While the file cannot be written, `degraded` says why, updates fail, and a write is tried again
 * every `retryMs` until one succeeds (FAILURES N14). Nothing that runs depends on it.
 *
 * Why a lost or damaged file is no reason to refuse service: each start of the agent has a new
 * incarnation id, and a command or lease is taken only if it names that id.
 * - *Tokens.* Every late start or permit that the old file guards against was sent to an earlier
 *   incarnation, and is refused for that. Those sent to this one meet this one's memory.
 * - *Epochs.* To name this incarnation, a command must follow from a record committed after it said
 *   hello. A leader deposed before that can commit nothing (DESIGN §2.4). A leader deposed later is
 *   older than the one whose lease this agent needs before it starts anything, and a granted lease
 *   raises the epoch seen.
 * - What the file adds is a second lock on the same door, and the floor against a store restored
 *   from an old backup (M7). There the permits in the hypervisor stand in for the lost tokens: the
 *   token check takes the larger of both.
 * - *Journal.* Without it, reports may for a moment miss a domain that an earlier incarnation was
 *   starting. A report is no release: only `release` answered `done` lets a VM go.
 */
export class StateFile {
  /** Starts that an earlier incarnation of this boot had under way when it ended. */
  readonly leftover: readonly JournalEntry[];
  readonly #env: Env;
  readonly #path: string;
  readonly #retryMs: number;
  #durable: AgentState;
  /** As on disk once every pending change is. */
  #accepted: AgentState;
  /** Newest epoch met, also when it could not be written. */
  #epochSeen: number;
  #pending: Pending[] = [];
  #writing: Promise<void> | null = null;
  #closed = false;
  #degraded: string | null = null;
  #retry: Timer | null = null;
  #onDegraded: () => void = () => {};

  /** `previous` as read from disk. The new incarnation is written at once. */
  constructor(
    options: StateFileOptions,
    owner: StateOwner & { readonly incarnation: string },
    previous: AgentState | null,
  ) {
    this.#env = options.env;
    this.#path = options.path;
    this.#retryMs = options.retryMs;
    this.#durable = previous ?? { ...owner, epoch: 0, tokens: new Map(), journal: [] };
    this.#accepted = this.#durable;
    this.#epochSeen = this.#durable.epoch;
    // What another boot was doing ended with it.
    const leftover = this.#durable.bootId === owner.bootId ? this.#durable.journal : [];
    this.leftover = leftover.filter((entry) => entry.kind === 'start');
    void this.update((state) => ({ ...state, ...owner, journal: this.leftover }));
  }

  /** Why the file cannot be written; null while it can. */
  get degraded(): string | null {
    return this.#degraded;
  }

  get epochSeen(): number {
    return this.#epochSeen;
  }

  /** Newest token recorded for a VM, written or being written. */
  tokenSeen(vm: string): number | null {
    return this.#accepted.tokens.get(vm) ?? null;
  }

  /** One listener, called when `degraded` changes. */
  onDegraded(listener: () => void): void {
    this.#onDegraded = listener;
  }

  /** True when the epoch and the token, or newer ones, are on disk. */
  covers(floor: {
    readonly epoch: number;
    readonly vm?: string;
    readonly token?: number;
  }): boolean {
    if (this.#durable.epoch < floor.epoch) return false;
    if (floor.vm === undefined || floor.token === undefined) return true;
    const token = this.#durable.tokens.get(floor.vm);
    return token !== undefined && token >= floor.token;
  }

  /** A leader of this epoch was met. Counts at once, and gets to disk as soon as it can. */
  meetEpoch(epoch: number): void {
    if (epoch <= this.#epochSeen) return;
    this.#epochSeen = epoch;
    void this.update((state) => raised(state, { epoch }));
  }

  /**
   * Changes the state and writes it. Changes made while a write is under way go into the next one
   * together. Failed changes are undone as a whole; an epoch met stays met.
   */
  update(change: (state: AgentState) => AgentState): Promise<UpdateResult> {
    if (this.#closed) return Promise.resolve({ kind: 'failed', because: 'the agent is stopping' });
    return new Promise((resolve) => {
      this.#accepted = change(this.#accepted);
      this.#pending.push({ change, resolve });
      this.#writing ??= this.#write();
    });
  }

  /** Takes no more changes, and waits for the write that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      let next = raised(this.#durable, { epoch: this.#epochSeen });
      for (const { change } of batch) next = change(next);
      const result = await this.#replace(next);
      if (result.kind === 'durable') this.#durable = next;
      this.#accepted = this.#durable;
      for (const { change } of this.#pending) this.#accepted = change(this.#accepted);
      this.#settle(result);
      for (const { resolve } of batch) resolve(result);
    }
    this.#writing = null;
  }

  async #replace(state: AgentState): Promise<UpdateResult> {
    try {
      await this.#env.disk.replace(this.#path, encodeState(state), { mode: 0o600 });
      return { kind: 'durable' };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return { kind: 'failed', because: `${this.#path}: ${error.code}` };
    }
  }

  #settle(result: UpdateResult): void {
    const degraded = result.kind === 'durable' ? null : result.because;
    if (degraded !== null) this.#retryLater();
    else this.#retry?.cancel();
    if (degraded === this.#degraded) return;
    this.#degraded = degraded;
    if (degraded === null) this.#env.log.info({}, 'state file can be written again');
    else this.#env.log.error({ err: degraded }, 'state file cannot be written');
    this.#onDegraded();
  }

  #retryLater(): void {
    this.#retry?.cancel();
    if (this.#closed) return;
    this.#retry = this.#env.timers.after(this.#retryMs, () => void this.update((state) => state));
  }
}
