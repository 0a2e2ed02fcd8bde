import type { JsonValue, MessageChannel, PeerIdentity } from '../../src/env/network.ts';
import type { ChannelWorld, NetworkHost } from './channel-world.ts';
import type { Link } from './link.ts';
import { isolated } from './message-isolation.ts';
import type { SimProcess } from './sim-process.ts';
import type { TappedMessage } from './taps.ts';

/** Share of the messages sent in one turn that also arrive in one turn. */
const sharePacket = 0.5;

/** Retransmissions are at least this far apart. */
const firstCheckMs = 200;

interface MessageItem extends TappedMessage {
  readonly kind: 'message';
}

type Item =
  | { readonly kind: 'open' }
  | MessageItem
  | { readonly kind: 'close'; readonly reason: string };

const withoutAWord = 'the connection was lost: it ended without a word';

/**
 * One end of a simulated TCP connection.
 *
 * Within a channel there is order and no gap, as with TCP: loss is delay, or the end of the channel
 * with a prefix delivered. A cut holds what is under way; healing lets it through late. Messages
 * overtake and repeat each other only across channels: what was sent on an old channel may arrive
 * after its sender closed it and said the same thing again on a new one.
 */
export class ChannelEnd implements MessageChannel {
  readonly peer: PeerIdentity;
  readonly host: NetworkHost;
  readonly link: Link;
  readonly process: SimProcess;
  readonly #world: ChannelWorld;
  readonly #boot: number;
  /** Sent, with one arrival event scheduled for each. */
  #inFlight: Item[] = [];
  /** Waiting at a cut or at a frozen host, in order. */
  #held: Item[] = [];
  /** How many of these already lie in the frozen host's memory, out of reach of the sender. */
  #reached = 0;
  #lastArrivalMs = 0;
  #closed = false;
  /** This side's kernel gave the connection up: nothing of it is sent any more. */
  #broken = false;
  /** A message was lost for good: nothing after it may be sent, until this end times out. */
  #mute = false;
  #watched = false;
  /** Since when something sent is not acknowledged for another reason than its way taking time. */
  #unackedSinceMs: number | null = null;
  #opposite: ChannelEnd | null = null;
  #onOpen: (() => void) | null = null;
  #buffer: MessageItem[] = [];
  #listener: ((message: JsonValue) => void) | null = null;
  #closeListener: ((reason: string) => void) | null = null;
  #closeReason: string | null = null;

  constructor(
    world: ChannelWorld,
    side: {
      readonly peer: PeerIdentity;
      readonly host: NetworkHost;
      readonly link: Link;
      readonly process: SimProcess;
      readonly onOpen: (() => void) | null;
    },
  ) {
    this.#world = world;
    this.peer = side.peer;
    this.host = side.host;
    this.link = side.link;
    this.process = side.process;
    this.#onOpen = side.onOpen;
    this.#boot = side.host.boot;
  }

  /** Ties two new ends together. */
  static join(a: ChannelEnd, b: ChannelEnd): void {
    a.#opposite = b;
    b.#opposite = a;
  }

  /** Nothing can reach the code at this end any more. */
  get over(): boolean {
    return this.#closed || this.#broken || this.gone;
  }

  /** Nothing can come out of either side any more. */
  get finished(): boolean {
    return this.over && this.#opposite?.over === true && this.#held.length === 0;
  }

  /** The kernel that held this end is no more. */
  get gone(): boolean {
    return this.#boot !== this.host.boot;
  }

  /** True when the channel uses this direction, whichever end this is. */
  joins(from: string, to: string): boolean {
    const { link } = this;
    return (link.from === from && link.to === to) || (link.from === to && link.to === from);
  }

  /** True when the other end is on this host. */
  faces(host: NetworkHost): boolean {
    return this.#opposite?.host === host;
  }

  send(message: JsonValue): void {
    if (this.#closed) return;
    this.#world.counters.sent += 1;
    this.process.effectWith(
      this.#leave,
      this.#itemOf(isolated(message, this.#world.settings.isolation)),
    );
  }

  readonly #leave = (item: MessageItem): void => {
    if (this.#inFlight.length + this.#held.length >= this.#world.settings.queueLimit) {
      this.close('send queue over its bound');
    } else {
      this.#world.taps.left?.(item);
      this.#transmit(item);
    }
  };

  /** The network says something in this end's name that its process does not say now. */
  inject(message: JsonValue): void {
    this.#transmit(this.#itemOf(message));
  }

  onMessage(listener: (message: JsonValue) => void): void {
    this.#listener = listener;
    if (this.#buffer.length > 0) this.#soon(() => this.#deliverBuffered());
  }

  onClose(listener: (reason: string) => void): void {
    this.#closeListener = listener;
    const reason = this.#closeReason;
    if (reason !== null) this.#soon(() => listener(reason));
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.process.effect(() =>
      this.#transmit({ kind: 'close', reason: `the peer closed the channel: ${reason}` }),
    );
    this.#soon(() => this.#tellClosed(reason));
  }

  /** The server's answer to the handshake, ahead of all messages. */
  sendOpen(): void {
    this.#transmit({ kind: 'open' });
  }

  /** The client gave up before the handshake was over: what still comes is answered by a reset. */
  abandon(): void {
    this.#closed = true;
  }

  /** After a heal or a thaw: what was held arrives `delayMs` from now, if the way is free. */
  release(delayMs: number): void {
    if (this.#held.length === 0 || this.#obstructed()) return;
    const held = this.gone ? this.#held.slice(0, this.#reached) : this.#held;
    this.#held = [];
    this.#reached = 0;
    this.#unackedSinceMs = null;
    this.#inFlight = [...held, ...this.#inFlight];
    for (let count = held.length; count > 0; count -= 1) this.#scheduleArrival(delayMs);
  }

  /**
   * Something is wrong with the way or the peer. Unless it gets better, this end notices when its
   * keepalives, or its retransmissions, run out: the latter takes a quarter of an hour by default.
   */
  watch(): void {
    if (this.#watched || this.over) return;
    this.#watched = true;
    const { keepAliveMs, retransmitMs } = this.#world.settings;
    const seen = this.#troubles();
    const { time } = this.#world;
    const waitedMs = this.#unackedSinceMs === null ? 0 : time.nowMs - this.#unackedSinceMs;
    const leftMs = this.#unackedSinceMs === null ? keepAliveMs : retransmitMs - waitedMs;
    const check = (): void => {
      this.#watched = false;
      if (this.over || !this.#troubled()) return;
      if (this.#wayIsOpen()) this.#fail(withoutAWord);
      else if (seen === this.#troubles() && this.#isOverdue()) this.#timeOut();
      else this.watch();
    };
    const spread = this.#world.random.between(1, 1.1);
    time.schedule(Math.max(leftMs, firstCheckMs) * spread, check, this.link.label);
  }

  /**
   * The process died: its kernel ends the connection, perhaps with a part of what was still to be
   * sent unsent.
   */
  kernelCloses(): void {
    if (this.over) return;
    this.#closed = true;
    const unsent = this.#inFlight.length + this.#held.length - this.#reached;
    const keep = this.#reached + this.#world.random.below(unsent + 1);
    this.#held = this.#held.slice(0, keep);
    this.#inFlight = this.#inFlight.slice(0, Math.max(0, keep - this.#held.length));
    this.#transmit({ kind: 'close', reason: withoutAWord });
  }

  #transmit(item: Item): void {
    if (this.#broken || this.#mute || this.gone) return;
    const delayMs = this.link.messageMs(this.#world.settings.retransmitMs);
    if (delayMs === null) {
      this.#breakByLoss();
      return;
    }
    this.#inFlight.push(item);
    if (this.link.isDisturbed && item.kind === 'message') this.#disturb(item);
    this.#scheduleArrival(delayMs);
  }

  /** What a broken middlebox does to a message, where the link has one. */
  #disturb(item: MessageItem): void {
    const { time, counters } = this.#world;
    const ahead = this.#inFlight.at(-2);
    if (ahead?.kind === 'message' && this.link.overtakes()) {
      counters.overtaken += 1;
      this.#inFlight.splice(-2, 2, item, ahead);
    }
    const repeatMs = this.link.repeatsAfterMs();
    if (repeatMs === null) return;
    counters.repeated += 1;
    const again = (): void => {
      if (!this.over) this.inject(item.message);
    };
    time.schedule(repeatMs, again, this.link.label);
  }

  /** One item per event, never before the one ahead of it. */
  #scheduleArrival(delayMs: number): void {
    const { time } = this.#world;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, time.nowMs + delayMs);
    time.schedule(this.#lastArrivalMs - time.nowMs, this.#arrive, this.link.label);
  }

  readonly #arrive = (): void => {
    const item = this.#inFlight.shift();
    if (item === undefined) return;
    if (this.#obstructed()) {
      this.#hold(item);
      return;
    }
    const opposite = this.#opposite;
    if (opposite === null) return;
    if (opposite.host.power === 'down') this.#unackedSinceMs ??= this.#world.time.nowMs;
    else if (opposite.over) this.#reset(opposite);
    else this.#land(item, opposite);
  };

  /** What one write put into one packet also arrives in one turn, with no microtask in between. */
  #land(item: Item, opposite: ChannelEnd): void {
    opposite.#receive(item);
    if (item.kind !== 'message') return;
    let next = this.#inFlight[0];
    while (next?.kind === 'message' && next.sentAtMs === item.sentAtMs) {
      if (!this.#world.random.chance(sharePacket)) return;
      this.#inFlight.shift();
      opposite.#receive(next);
      next = this.#inFlight[0];
    }
  }

  #hold(item: Item): void {
    const reaches = !this.link.cut && this.#held.length === this.#reached;
    if (this.gone && !reaches) return;
    this.#world.counters.held += 1;
    this.#unackedSinceMs ??= this.#world.time.nowMs;
    this.#held.push(item);
    if (reaches) this.#reached += 1;
  }

  #obstructed(): boolean {
    return this.link.cut || (this.#opposite?.host.power === 'frozen' && !this.#opposite.gone);
  }

  #receive(item: Item): void {
    switch (item.kind) {
      case 'open':
        this.#onOpen?.();
        this.#onOpen = null;
        return;
      case 'message':
        this.#world.taps.arrived?.(item);
        this.process.enterWith(this.#deliver, item);
        return;
      case 'close':
        this.#broken = true;
        this.process.enter(() => this.#closeBy(item.reason));
    }
  }

  readonly #deliver = (item: MessageItem): void => {
    if (this.#closed) return;
    if (this.#listener === null || this.#buffer.length > 0) {
      this.#buffer.push(item);
      return;
    }
    this.#hand(item, this.#listener);
  };

  #hand(item: MessageItem, listener: (message: JsonValue) => void): void {
    this.#world.counters.delivered += 1;
    this.#world.taps.delivered?.(item);
    listener(item.message);
  }

  #itemOf(message: JsonValue): MessageItem {
    const { from, to } = this.link;
    return { kind: 'message', from, to, message, sentAtMs: this.#world.time.nowMs };
  }

  #deliverBuffered(): void {
    const item = this.#buffer.shift();
    if (item === undefined || this.#listener === null) return;
    if (!this.#closed) this.#hand(item, this.#listener);
    if (this.#buffer.length > 0) this.#soon(() => this.#deliverBuffered());
  }

  /** A packet met no connection at the other side: the answer breaks this one. */
  #reset(opposite: ChannelEnd): void {
    // Its own last words and its close are on the way, and TCP keeps the order.
    if (!opposite.gone && opposite.#inFlight.length + opposite.#held.length > 0) return;
    const delayMs = opposite.link.datagramMs();
    if (delayMs === null) {
      this.watch();
      return;
    }
    this.#world.counters.resets += 1;
    this.#world.time.schedule(
      delayMs,
      () => this.#fail('the connection was lost: reset by peer'),
      this.link.label,
    );
  }

  #timeOut(): void {
    this.#world.counters.timeouts += 1;
    this.#fail('the connection was lost: timed out');
  }

  #breakByLoss(): void {
    this.#mute = true;
    const timeOut = (): void => {
      this.#timeOut();
      this.#opposite?.watch();
    };
    this.#world.time.schedule(this.#world.settings.retransmitMs, timeOut, this.link.label);
  }

  /** The kernel gives this end up; the other side is not told. */
  #fail(reason: string): void {
    if (this.over) return;
    this.#broken = true;
    this.#held = this.#held.slice(0, this.#reached);
    this.process.enter(() => this.#closeBy(reason));
  }

  #closeBy(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tellClosed(reason);
  }

  #tellClosed(reason: string): void {
    this.#closeReason = reason;
    this.#closeListener?.(reason);
  }

  /** Nothing between the kernels is in the way: a keepalive would be answered, by a reset. */
  #wayIsOpen(): boolean {
    const opposite = this.#opposite;
    return (
      !this.link.cut && opposite !== null && !opposite.link.cut && opposite.host.power === 'up'
    );
  }

  #isOverdue(): boolean {
    if (this.#unackedSinceMs === null) return true;
    const waitedMs = this.#world.time.nowMs - this.#unackedSinceMs;
    return waitedMs >= this.#world.settings.retransmitMs;
  }

  #troubled(): boolean {
    const opposite = this.#opposite;
    if (opposite === null) return false;
    return this.link.cut || opposite.link.cut || opposite.over || opposite.host.power !== 'up';
  }

  /** Changes with every new cut or freeze, so that a flapping link is told from a dead one. */
  #troubles(): number {
    const opposite = this.#opposite;
    return this.link.cuts + (opposite?.link.cuts ?? 0) + (opposite?.host.freezes ?? 0);
  }

  #soon(action: () => void): void {
    this.#world.time.schedule(0, () => this.process.enter(action), this.link.label);
  }
}
