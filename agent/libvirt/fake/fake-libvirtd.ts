import type { Timers } from '../../../src/env/env.ts';
import type { ByteStream, Dial } from '../byte-stream.ts';
import { events, lifecycleMessage, metadataChangeMessage } from '../domain-events.ts';
import { errorPayload, libvirtError } from '../errors.ts';
import type { MessageHeader } from '../framing.ts';
import { messageStatus } from '../framing.ts';
import type { FakeReply } from './fake-connection.ts';
import { encodePayload, FakeConnection } from './fake-connection.ts';
import { FakeError, refOf } from './fake-domain.ts';
import type { FakeTimings } from './fake-host.ts';
import { FakeHost } from './fake-host.ts';
import type { ProcedureName } from './fake-procedures.ts';
import { fakeProcedures } from './fake-procedures.ts';
import { streamPair } from './stream-pair.ts';

/** What happens to the next call of one procedure. The effect takes place unless it is an error. */
export type CallFault =
  | { readonly kind: 'neverAnswered' }
  | { readonly kind: 'late'; readonly delayMs: number }
  /** The connection breaks between the effect and the reply. */
  | { readonly kind: 'dropped' }
  | { readonly kind: 'malformedReply' }
  | { readonly kind: 'error'; readonly number: number; readonly message: string };

export interface FakeSettings {
  /** 0 none, 1 SASL, 2 polkit. */
  authTypes: readonly number[];
  libvirtVersion: bigint;
  qemuVersion: bigint;
  memoryKib: bigint;
  cpus: number;
  /** Events are not sent. */
  losesEvents: boolean;
  latencyMs: number;
}

const defaultTimings: FakeTimings = {
  startMs: 50,
  destroyMs: 20,
  hungDestroyMs: 10_000,
  guestShutdownMs: 500,
};

/**
 * libvirtd as the agent sees it: the same codec run the other way round, over streams in memory or
 * a unix socket, with switches for what goes wrong. All time is taken from `timers`.
 */
export class FakeLibvirtd {
  readonly host: FakeHost;
  readonly settings: FakeSettings = {
    authTypes: [0],
    libvirtVersion: 9_000_000n,
    qemuVersion: 7_002_000n,
    memoryKib: 8n * 1024n * 1024n,
    cpus: 4,
    losesEvents: false,
    latencyMs: 0,
  };
  /** How often each procedure was called. */
  readonly calls = new Map<ProcedureName, number>();
  readonly #timers: Timers;
  readonly #connections = new Set<FakeConnection>();
  readonly #faults: { readonly name: ProcedureName; readonly fault: CallFault }[] = [];
  #stopped = false;
  #dead = false;
  #nextCallback = 0;

  constructor(timers: Timers, timings: Partial<FakeTimings> = {}) {
    this.#timers = timers;
    this.host = new FakeHost(timers, { ...defaultTimings, ...timings });
    this.host.lifecycle = (domain, event, detail) => {
      this.#announce(events.lifecycle, (connection, callback) => {
        const value = { callback, domain: refOf(domain), event, detail };
        connection.sendEvent(events.lifecycle.message, lifecycleMessage, value);
      });
    };
    this.host.metadataChanged = (domain, uri) => {
      this.#announce(events.metadataChange, (connection, callback) => {
        const value = { callback, domain: refOf(domain), type: 2, uri };
        connection.sendEvent(events.metadataChange.message, metadataChangeMessage, value);
      });
    };
  }

  /** A client's way in, in memory. */
  readonly dial: Dial = () => {
    const [client, server] = streamPair(this.#timers, this.settings.latencyMs);
    this.accept(server);
    return client;
  };

  /** Serves one client on this stream. */
  accept(stream: ByteStream): void {
    if (this.#dead) {
      stream.close('connection refused');
      return;
    }
    const connection = new FakeConnection(this.#timers, stream, this.#stopped, (header, payload) =>
      this.#serve(connection, header, payload),
    );
    this.#connections.add(connection);
    connection.onClosed = () => {
      // A stopped daemon has not noticed yet: it still reads what was sent before.
      if (!this.#stopped) this.#connections.delete(connection);
    };
  }

  connectionCount(): number {
    return this.#connections.size;
  }

  /** The most calls in flight on any connection. */
  mostInFlight(): number {
    return Math.max(0, ...[...this.#connections].map((each) => each.inFlight));
  }

  /** One fault for the next call of `name`; repeated calls add up. */
  inject(name: ProcedureName, fault: CallFault): void {
    this.#faults.push({ name, fault });
  }

  reverseReplies(count: number): void {
    for (const connection of this.#connections) connection.reverseReplies(count);
  }

  /** SIGSTOP: sockets stay open, nothing is read or written. */
  stop(): void {
    this.#stopped = true;
    for (const connection of this.#connections) connection.setStopped(true);
  }

  /**
   * SIGCONT: calls that were received meanwhile take effect, whoever still waits for them. Of a
   * client that has gone, libvirtd was seen to carry out the first call; here it is all of them.
   */
  continue(): void {
    this.#stopped = false;
    for (const connection of this.#connections) {
      connection.setStopped(false);
      if (!connection.open) this.#connections.delete(connection);
    }
  }

  /** SIGKILL: connections break, VMs run on. */
  kill(): void {
    this.#dead = true;
    this.#stopped = false;
    for (const connection of this.#connections) connection.close('libvirtd died');
    this.#connections.clear();
  }

  restart(): void {
    this.#dead = false;
  }

  /** The node loses power: running domains are gone, stored ones stay. */
  powerLoss(): void {
    this.kill();
    this.host.powerLoss();
  }

  /** A call's place in the table, for handlers that belong to the connection. */
  register(connection: FakeConnection, event: number): number {
    const callback = this.#nextCallback;
    this.#nextCallback += 1;
    connection.callbacks.set(event, callback);
    return callback;
  }

  #announce(
    { id }: { readonly id: number },
    send: (connection: FakeConnection, callback: number) => void,
  ): void {
    if (this.settings.losesEvents) return;
    for (const connection of this.#connections) {
      const callback = connection.callbacks.get(id);
      if (callback !== undefined) send(connection, callback);
    }
  }

  async #serve(
    connection: FakeConnection,
    header: MessageHeader,
    payload: Uint8Array,
  ): Promise<FakeReply | null> {
    const entry = fakeProcedures.find(
      (each) => each.number === header.procedure && each.program === header.program,
    );
    if (entry === undefined) {
      return errorReply(new FakeError(libvirtError.rpc, `unknown procedure ${header.procedure}`));
    }
    this.calls.set(entry.name, (this.calls.get(entry.name) ?? 0) + 1);
    const index = this.#faults.findIndex(({ name }) => name === entry.name);
    const fault = index < 0 ? null : (this.#faults.splice(index, 1)[0]?.fault ?? null);
    if (fault?.kind === 'error') return errorReply(new FakeError(fault.number, fault.message));
    const reply = await this.#work(entry.work, connection, payload);
    if (fault === null) return reply;
    switch (fault.kind) {
      case 'neverAnswered':
        return null;
      case 'dropped':
        connection.close('broken');
        return null;
      case 'malformedReply':
        return { status: messageStatus.ok, payload: new Uint8Array([1, 2, 3]) };
      case 'late':
        return new Promise((resolve) => {
          this.#timers.after(fault.delayMs, () => resolve(reply));
        });
      default:
        return fault satisfies never;
    }
  }

  async #work(
    work: (typeof fakeProcedures)[number]['work'],
    connection: FakeConnection,
    payload: Uint8Array,
  ): Promise<FakeReply> {
    try {
      const bytes = await work({ daemon: this, connection }, payload);
      return { status: messageStatus.ok, payload: bytes };
    } catch (error) {
      if (error instanceof FakeError) return errorReply(error);
      throw error;
    }
  }
}

function errorReply(error: FakeError): FakeReply {
  const payload = encodePayload(errorPayload, {
    code: error.number,
    subsystem: 10,
    message: error.message,
    level: 2,
    domain: null,
    text1: null,
    text2: null,
    text3: null,
    number1: 0,
    number2: 0,
    network: null,
  });
  return { status: messageStatus.error, payload };
}
