import { streamCreditBytes, streamPieceBytes } from '../src/api/schema/guest-stream.ts';
import type { StreamControl, StreamOpen } from '../src/api/schema/session.ts';
import { vmId } from '../src/core/model/ids.ts';
import type { Log } from '../src/env/log.ts';
import type { DomainList } from './domain-list.ts';
import { findDomain } from './domain-list.ts';
import { carries } from './domain-removal.ts';
import type { Asker } from './executor.ts';
import type { GuestStream, Hypervisor } from './hypervisor.ts';
import { OutputBuffer } from './output-buffer.ts';
import { permitOf } from './operations.ts';

/** Streams of all guests together that are open here. */
const maxStreams = 32;
/** Of a console this much waits for its reader; more is left out. A picture is never cut. */
const consoleBytes = 256 * 1024;
const pictureBytes = 16 * 1024 * 1024;

interface Open {
  readonly id: string;
  readonly asker: Asker;
  readonly output: OutputBuffer;
  /** Null until the hypervisor has opened it. */
  stream: GuestStream | null;
  credit: number;
  /** The guest's side is over; undefined = it is not. */
  ended: string | null | undefined;
}

/**
 * Consoles and screens that managers have open here. Each belongs to the session that asked for it and
 * ends with it. A stream is of the domain that runs by the permit it was asked with, and of no other.
 */
export class GuestStreams {
  readonly #options: {
    readonly hypervisor: Hypervisor;
    readonly domains: DomainList;
    readonly log: Log;
  };
  readonly #open = new Map<string, Open>();

  constructor(options: {
    readonly hypervisor: Hypervisor;
    readonly domains: DomainList;
    readonly log: Log;
  }) {
    this.#options = options;
  }

  async open({ stream: id, permit, request }: StreamOpen, asker: Asker): Promise<void> {
    const refuse = (because: string): void =>
      asker.answer({ kind: 'streamClosed', stream: id, because });
    if (this.#open.has(id)) return refuse('there is a stream of this id');
    if (this.#open.size >= maxStreams) return refuse(`${maxStreams} streams are open here already`);
    const isConsole = request.kind === 'console';
    const output = new OutputBuffer(
      isConsole
        ? { maxBytes: consoleBytes, over: 'leaveOut' }
        : { maxBytes: pictureBytes, over: 'fail' },
    );
    const open: Open = {
      id,
      asker,
      output,
      stream: null,
      credit: streamCreditBytes,
      ended: undefined,
    };
    this.#open.set(id, open);
    const because = await this.#begin(open, permit, request);
    if (because === null) return undefined;
    if (this.#open.delete(id)) refuse(because.slice(0, 4096));
    return undefined;
  }

  control(message: StreamControl, asker: Asker): void {
    const open = this.#open.get(message.stream);
    if (open === undefined || open.asker !== asker) return;
    switch (message.kind) {
      case 'streamInput':
        open.stream?.write(Buffer.from(message.data, 'base64'));
        break;
      case 'streamCredit':
        open.credit = Math.min(open.credit + message.bytes, streamCreditBytes);
        this.#send(open);
        break;
      case 'streamClose':
        this.#close(open);
        break;
      default:
        message satisfies never;
    }
  }

  /** The session of a manager is over. */
  drop(asker: Asker): void {
    for (const open of this.#open.values()) if (open.asker === asker) this.#close(open);
  }

  stop(): void {
    for (const open of this.#open.values()) this.#close(open);
  }

  /** Null = it is open; else why it is not. */
  async #begin(
    open: Open,
    wire: StreamOpen['permit'],
    request: StreamOpen['request'],
  ): Promise<string | null> {
    const permit = permitOf(wire);
    const listing = await this.#options.domains.fresh();
    if (listing.kind === 'unknown') return `the hypervisor does not answer: ${listing.because}`;
    const domain = findDomain(listing, permit.vm);
    if (domain?.active !== true || !carries(domain, permit)) {
      return `it does not run here by token ${permit.token}`;
    }
    const opened = await this.#options.hypervisor.openStream(vmId(wire.vm), request, {
      onData: (bytes) => this.#take(open, bytes),
      onEnd: (because) => {
        open.ended ??= because;
        this.#send(open);
      },
    });
    if (opened.kind !== 'ok') return opened.message;
    if (!this.#open.has(open.id)) {
      opened.value.close();
      return 'it is not wanted any more';
    }
    this.#options.log.info({ vm: permit.vm, stream: open.id }, `${request.kind} opened`);
    open.stream = opened.value;
    open.asker.answer({ kind: 'streamOpened', stream: open.id, mime: opened.value.mime });
    this.#send(open);
    return null;
  }

  #take(open: Open, bytes: Uint8Array): void {
    if (open.output.push(bytes)) this.#send(open);
    else this.#finish(open, `more than ${pictureBytes} bytes came`);
  }

  /** As much as there is credit for; its end once nothing is left. */
  #send(open: Open): void {
    if (open.stream === null || !this.#open.has(open.id)) return;
    while (open.credit > 0) {
      const piece = open.output.take(Math.min(open.credit, streamPieceBytes));
      if (piece === null) break;
      open.credit -= piece.byteLength;
      const data = Buffer.from(piece).toString('base64');
      open.asker.answer({ kind: 'streamOutput', stream: open.id, data });
    }
    if (open.ended !== undefined && open.output.isEmpty) this.#finish(open, open.ended);
  }

  #finish(open: Open, because: string | null): void {
    if (!this.#close(open)) return;
    open.asker.answer({
      kind: 'streamClosed',
      stream: open.id,
      because: because?.slice(0, 4096) ?? null,
    });
  }

  #close(open: Open): boolean {
    if (!this.#open.delete(open.id)) return false;
    open.stream?.close();
    return true;
  }
}
