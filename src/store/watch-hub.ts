import type { Revision } from '../core/model/ids.ts';
import type { StateMachine } from './state-machine.ts';
import type { WatchBatch, WatchEvent } from './store.ts';

interface Watcher {
  readonly prefix: string;
  readonly listener: (event: WatchEvent) => void;
  /** The next revision to look at. Moves with delivered revisions only. */
  next: number;
  stopped: boolean;
}

/**
 * Watches as cursors into the state machine's history. The bounded history is the queue: a watcher
 * that falls behind it is told `compacted`, so nothing is dropped silently and nothing is copied.
 */
export class WatchHub {
  readonly #watchers = new Set<Watcher>();
  readonly #schedule: (run: () => void) => void;
  #machine: StateMachine;
  #scheduled = false;
  #closed: string | null = null;

  /** `schedule` runs its argument later, outside the current call stack. */
  constructor(machine: StateMachine, schedule: (run: () => void) => void = queueMicrotask) {
    this.#machine = machine;
    this.#schedule = schedule;
  }

  /**
   * Delivers every revision after `from` that touches the prefix. Waits when `from` is ahead of the
   * state: a member may lag behind the one that answered the list.
   */
  watch(prefix: string, from: Revision, listener: (event: WatchEvent) => void): () => void {
    const watcher: Watcher = { prefix, listener, next: from + 1, stopped: false };
    this.#watchers.add(watcher);
    this.changed();
    return () => {
      watcher.stopped = true;
      this.#watchers.delete(watcher);
    };
  }

  /** Call after the state machine moved. Many calls in one turn make one delivery. */
  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      for (const watcher of this.#watchers) this.#deliver(watcher);
    });
  }

  /** A snapshot replaced the state: watchers that it overtook are told `compacted`. */
  replaceMachine(machine: StateMachine): void {
    this.#machine = machine;
    this.changed();
  }

  /** Ends every watch, also those to come, with `closed`. */
  close(reason: string): void {
    if (this.#closed !== null) return;
    this.#closed = reason;
    this.changed();
  }

  #deliver(watcher: Watcher): void {
    while (!watcher.stopped && watcher.next <= this.#machine.revision) {
      const machine = this.#machine;
      if (watcher.next <= machine.compactedRevision) {
        this.#end(watcher, { kind: 'compacted', revision: machine.compactedRevision });
        return;
      }
      const batch = withPrefix(machine.batchAt(watcher.next), watcher.prefix);
      watcher.next += 1;
      if (batch !== null) watcher.listener({ kind: 'batch', batch });
    }
    if (this.#closed !== null) this.#end(watcher, { kind: 'closed', reason: this.#closed });
  }

  #end(watcher: Watcher, event: WatchEvent): void {
    if (watcher.stopped) return;
    watcher.stopped = true;
    this.#watchers.delete(watcher);
    watcher.listener(event);
  }
}

function withPrefix(batch: WatchBatch, prefix: string): WatchBatch | null {
  const changes = batch.changes.filter((change) => change.key.startsWith(prefix));
  if (changes.length === batch.changes.length) return batch;
  return changes.length === 0 ? null : { revision: batch.revision, changes };
}
