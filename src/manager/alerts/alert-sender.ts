import { alertKindOf, type AlertRecord } from '../../core/model/alert.ts';
import { ok, problem } from '../../core/problem.ts';
import { unknownAlert } from '../../core/request/alert.ts';
import type { EventView } from '../../api/schema/views.ts';
import type { Env } from '../../env/env.ts';
import type { Leader } from '../leader.ts';
import type { EventLog } from '../service/event-log.ts';
import type { AlertSecrets } from './alert-secrets.ts';
import { deliver, type AlertMessage, type Delivery } from './deliver.ts';

/** Pause after a failure, in ms; doubles with each one in a row. */
const firstRetryMs = 1000;
const longestRetryMs = 300_000;
/** Events read at once. */
const pageSize = 64;
/** Events that concern nobody are noted as told once there are so many of them. */
const noteEvery = 500;

export interface AlertSenderOptions {
  readonly env: Env;
  readonly leader: Leader;
  readonly events: Pick<EventLog, 'after'>;
  readonly secrets: AlertSecrets;
  readonly clusterId: string;
}

/** How telling one of them goes. */
export interface AlertStatus {
  /** Failures in a row. */
  readonly failures: number;
  readonly lastError: string | null;
}

/**
 * Tells one target what happened, in order, at least once (an id per event says what was told
 * already). The queue is the cluster's own history: while a target does not answer nothing is
 * copied, nothing grows, and what was let go meanwhile is counted and announced.
 */
export class AlertSender {
  readonly #options: AlertSenderOptions;
  readonly #id: string;
  readonly #stopping = new AbortController();
  #status: AlertStatus = { failures: 0, lastError: null };
  /** The last event that is done with; may be ahead of the record by events that concern nobody. */
  #cursor: number | null = null;
  #wake: (() => void) | null = null;
  #again = true;

  constructor(options: AlertSenderOptions, id: string) {
    this.#options = options;
    this.#id = id;
  }

  get status(): AlertStatus {
    return this.#status;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake?.();
  }

  /** There are new events. */
  notify(): void {
    this.#again = true;
    // A pause after a failure is kept: more to tell makes nobody answer sooner.
    if (this.#status.failures === 0) this.#wake?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#again = false;
      const isDone = await this.#page().catch((error: unknown) => this.#failed(error));
      if (signal.aborted) return;
      if (this.#status.failures > 0) await this.#pause(retryMs(this.#status.failures));
      else if (isDone && !this.#again) await this.#pause(null);
    }
  }

  #failed(error: unknown): boolean {
    this.#note({ kind: 'failed', because: error instanceof Error ? error.message : String(error) });
    return false;
  }

  /** Tells what is on one page; true when there is no more. */
  async #page(): Promise<boolean> {
    const { leader, events } = this.#options;
    const alert = leader.mirror.alerts.get(this.#id);
    if (alert === undefined || !leader.isLeading()) {
      this.stop();
      return true;
    }
    const lost = leader.mirror.firstEvent - 1 - alert.cursor;
    if (lost > 0) await this.#noteLost(alert, lost);
    const from = Math.max(alert.cursor, this.#cursor ?? 0, leader.mirror.firstEvent - 1);
    const page = await events.after(from, pageSize);
    for (const event of page) {
      const kind = alertKindOf(event.code);
      if (kind !== null && (alert.kinds.length === 0 || alert.kinds.includes(kind))) {
        const told = await this.#tell(alert, messageOf(event, kind, this.#options.clusterId));
        this.#note(told);
        if (told.kind === 'failed') return false;
        await this.#commit(event.sequence);
      }
      this.#cursor = event.sequence;
      if (this.#stopping.signal.aborted) return true;
    }
    const done = this.#cursor ?? from;
    if (done - (leader.mirror.alerts.get(this.#id)?.cursor ?? done) >= noteEvery) {
      await this.#commit(done);
    }
    return page.length < pageSize;
  }

  async #tell(alert: AlertRecord, message: AlertMessage): Promise<Delivery> {
    const { env, secrets } = this.#options;
    const secret = alert.target.kind === 'webhook' ? await secrets.read(alert.id) : null;
    const { signal } = this.#stopping;
    return deliver(env, alert, { message, secret, signal });
  }

  #note(result: Delivery): void {
    if (result.kind === 'told') {
      this.#status = { failures: 0, lastError: null };
      return;
    }
    const failures = this.#status.failures + 1;
    this.#status = { failures, lastError: result.because };
    const { log } = this.#options.env;
    log.warn({ alert: this.#id, failures, because: result.because }, 'an alert was not told');
  }

  /** A write that is refused costs a second telling after the next change of leader, and no more. */
  async #commit(cursor: number): Promise<void> {
    await this.#options.leader.mutate((draft) => {
      const alert = draft.alert(this.#id);
      if (alert === undefined) return problem(unknownAlert(this.#id));
      draft.put({ ...alert, cursor: Math.max(alert.cursor, cursor) });
      return ok(null);
    });
  }

  async #noteLost(seen: AlertRecord, lost: number): Promise<void> {
    await this.#options.leader.mutate((draft) => {
      const alert = draft.alert(seen.id);
      if (alert === undefined) return problem(unknownAlert(seen.id));
      draft.put({ ...alert, cursor: seen.cursor + lost, lost: alert.lost + lost });
      draft.event({
        code: 'ALERTS_LOST',
        severity: 'critical',
        node: null,
        vm: null,
        text: `${lost} events were let go before ${seen.id} could be told of those that concern it`,
      });
      return ok(null);
    });
  }

  /** Null: until there is something new. */
  #pause(delayMs: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        delayMs === null ? null : this.#options.env.timers.after(delayMs, () => this.#wake?.());
      this.#wake = () => {
        timer?.cancel();
        this.#wake = null;
        resolve();
      };
    });
  }
}

function retryMs(failures: number): number {
  return Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
}

function messageOf(event: EventView, alert: string, clusterId: string): AlertMessage {
  const { sequence, code, severity, node, vm, text, at } = event;
  return {
    format: 'kennel-alert/1',
    id: `${clusterId}/${sequence}`,
    cluster: clusterId,
    alert,
    code,
    severity,
    node,
    vm,
    text,
    at,
  };
}
