import { isAdmitted } from '../core/decide/ownership.ts';
import type { Incarnation } from '../core/model/node.ts';
import type { IncarnationId, NodeId } from '../core/model/ids.ts';
import type { Leadership } from '../store/store.ts';
import type { Mirror } from './mirror.ts';
import type { ObservationBook } from './observation-book.ts';

export interface WaitingHeartbeat {
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  readonly sequence: number;
  /** Sends the answer; false when it carries no lease. */
  answer(lease: boolean): void;
}

/**
 * Grants leases. Only a leader does, only to the admitted incarnation of a node without a fence
 * intent, and only after a quorum confirmed the leadership in a round that began after the
 * heartbeat arrived: so no clock of a deposed leader matters (DESIGN §5). Heartbeats that wait
 * together share one round.
 */
export class LeaseGranter {
  readonly #leadership: Leadership;
  readonly #mirror: Mirror;
  readonly #book: ObservationBook;
  /** Incarnations whose fence intent is being written: no lease from the decision on. */
  readonly #withheld = new Set<IncarnationId>();
  readonly #onNewLease: () => void;
  #waiting: WaitingHeartbeat[] = [];
  #confirming = false;

  /** `onNewLease`: a node holds a lease that held none before, so it can be told to start VMs. */
  constructor(options: {
    leadership: Leadership;
    mirror: Mirror;
    book: ObservationBook;
    onNewLease: () => void;
  }) {
    this.#leadership = options.leadership;
    this.#mirror = options.mirror;
    this.#book = options.book;
    this.#onNewLease = options.onNewLease;
  }

  heartbeat(heartbeat: WaitingHeartbeat): void {
    this.#waiting.push(heartbeat);
    if (!this.#confirming) void this.#confirm();
  }

  withhold(incarnations: Iterable<IncarnationId>): void {
    for (const incarnation of incarnations) this.#withheld.add(incarnation);
  }

  /** The writes that announced the intents are settled; the mirror tells from here on. */
  stopWithholding(): void {
    this.#withheld.clear();
  }

  async #confirm(): Promise<void> {
    this.#confirming = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const confirmed = await this.#leadership.confirm();
      for (const heartbeat of batch) this.#grant(heartbeat, confirmed);
    }
    this.#confirming = false;
  }

  #grant(heartbeat: WaitingHeartbeat, confirmed: boolean): void {
    const { node: id, incarnation } = heartbeat;
    const node = this.#mirror.nodes.get(id);
    const lease =
      confirmed &&
      this.#leadership.isValid() &&
      node !== undefined &&
      isAdmitted(node) &&
      node.incarnation?.id === incarnation.id &&
      !this.#withheld.has(incarnation.id);
    if (!lease) {
      heartbeat.answer(false);
      return;
    }
    const { leaseTtlMs } = this.#mirror.settings.timing;
    const isNew = !this.#book.holdsLease(id, leaseTtlMs);
    this.#book.leaseGranted(id, incarnation.id);
    heartbeat.answer(true);
    if (isNew) this.#onNewLease();
  }
}
