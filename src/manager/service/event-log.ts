import type { EventView } from '../../api/schema/views.ts';
import type { VmId } from '../../core/model/ids.ts';
import type { ClusterEvent } from '../../core/model/event.ts';
import type { Log } from '../../env/log.ts';
import type { Store } from '../../store/store.ts';
import { eventKey, eventSequence, keys } from '../keys.ts';

interface Follower {
  after: number;
  readonly listener: (event: EventView) => void;
}

/** Up to so many events are read one by one instead of listing all there are. */
const fewEvents = 64;
/** Events read in one go, at the most. */
const pageSize = 1000;

/** The cluster's history as it is committed, and who follows it. */
export class EventLog {
  readonly #store: Store;
  readonly #log: Log;
  readonly #lastSequence: () => number | null;
  readonly #followers = new Set<Follower>();
  #delivering = false;
  #again = false;

  /** `lastSequence` answers null when it is not known, as on a manager that does not lead. */
  constructor(store: Store, log: Log, lastSequence: () => number | null) {
    this.#store = store;
    this.#log = log;
    this.#lastSequence = lastSequence;
  }

  /** Events with a larger sequence than `after`, oldest first. */
  async after(after: number, limit: number): Promise<readonly EventView[]> {
    const last = this.#lastSequence();
    if (last !== null && last - after <= fewEvents)
      return this.#few(after, Math.min(limit, last - after));
    const { items } = await this.#store.list(keys.events);
    const from = eventKey(after);
    return items
      .filter((item) => item.key > from)
      .slice(0, limit)
      .map((item) => viewOf(eventSequence(item.key), JSON.parse(item.value) as ClusterEvent));
  }

  /** The last events with a smaller sequence than `before` (null = of all), oldest first. */
  async last(before: number | null, limit: number): Promise<readonly EventView[]> {
    const last = this.#lastSequence();
    if (last !== null && limit <= fewEvents) {
      const end = Math.min(before ?? Infinity, last + 1);
      return this.#few(Math.max(0, end - limit - 1), Math.min(limit, end - 1));
    }
    const { items } = await this.#store.list(keys.events);
    const until = before === null ? items : items.filter((item) => item.key < eventKey(before));
    return until
      .slice(-limit)
      .map((item) => viewOf(eventSequence(item.key), JSON.parse(item.value) as ClusterEvent));
  }

  /** All that is kept of one VM, oldest first. */
  async ofVm(vm: VmId): Promise<readonly EventView[]> {
    const { items } = await this.#store.list(keys.events);
    return items
      .map((item) => viewOf(eventSequence(item.key), JSON.parse(item.value) as ClusterEvent))
      .filter((event) => event.vm === vm);
  }

  async #few(after: number, count: number): Promise<readonly EventView[]> {
    const views: EventView[] = [];
    for (let sequence = after + 1; sequence <= after + count; sequence += 1) {
      const { item } = await this.#store.get(eventKey(sequence));
      if (item !== null) views.push(viewOf(sequence, JSON.parse(item.value) as ClusterEvent));
    }
    return views;
  }

  follow(after: number, listener: (event: EventView) => void): () => void {
    const follower: Follower = { after, listener };
    this.#followers.add(follower);
    this.deliver();
    return () => void this.#followers.delete(follower);
  }

  /** New events were committed. */
  deliver(): void {
    if (this.#followers.size === 0) return;
    this.#again = true;
    if (!this.#delivering) void this.#deliverAll();
  }

  async #deliverAll(): Promise<void> {
    this.#delivering = true;
    while (this.#again) {
      this.#again = false;
      try {
        for (const follower of this.#followers) await this.#deliverTo(follower);
      } catch (error) {
        this.#log.warn({ err: error }, 'events could not be read for those who follow them');
      }
    }
    this.#delivering = false;
  }

  async #deliverTo(follower: Follower): Promise<void> {
    const events = await this.after(follower.after, pageSize);
    for (const event of events) {
      if (!this.#followers.has(follower)) return;
      follower.after = event.sequence;
      follower.listener(event);
    }
    if (events.length === pageSize) this.#again = true;
  }
}

function viewOf(sequence: number, event: ClusterEvent): EventView {
  const { code, severity, node, vm, text, by, reason, at } = event;
  return { sequence, code, severity, node, vm, text, by, reason, at };
}
