import type { Dial } from './byte-stream.ts';
import type { LibvirtConnection } from './connection.ts';
import { events, lifecycleMessage, metadataChangeMessage } from './domain-events.ts';
import type { DomainRef } from './domain-ref.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import type { LinkOptions, LinkProblem } from './link.ts';
import { Link } from './link.ts';
import { procedures } from './procedures.ts';
import { decode } from './xdr.ts';

/** What the client tells. Events are hints: they may be lost, and carry no number. */
export type LibvirtEvent =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly problem: LinkProblem }
  /** `domain` is null when the event could not be read. */
  | { readonly kind: 'domainChanged'; readonly domain: DomainRef | null };

export interface ClientOptions {
  /** Timers, clock, random for the jitter, log. */
  readonly env: LibvirtEnv;
  readonly dial: Dial;
  readonly link?: Partial<LinkOptions>;
}

/**
 * A daemon that hangs is known after three seconds: the same time in which a silent node is
 * suspected. Measured: an idle round trip takes 2 ms.
 */
export const defaultLinkOptions: LinkOptions = {
  uri: 'qemu:///system',
  pingMs: 1000,
  silentPings: 3,
  handshakeMs: 5000,
  minBackoffMs: 100,
  maxBackoffMs: 5000,
  healthyMs: 10_000,
};

/**
 * libvirtd over five connections, so that reads, events and keepalive never wait behind a slow start or
 * a migration, and a destroy waits behind nothing but destroys. Each reconnects on its own.
 */
export class LibvirtClient {
  /** For reads; carries the events. */
  readonly reads: Link;
  /** For what changes a domain and for starts. */
  readonly changes: Link;
  /** For destroy alone. */
  readonly kills: Link;
  /** For migrations: each holds a place of the connection for as long as it lasts. */
  readonly moves: Link;
  /** For questions to guests, which may take their time; nothing else waits for it to be up. */
  readonly guests: Link;
  readonly #listeners: ((event: LibvirtEvent) => void)[] = [];

  constructor({ env, dial, link }: ClientOptions) {
    const options = { ...defaultLinkOptions, ...link };
    const up = (): void => {
      if (this.connected()) this.#tell({ kind: 'connected' });
    };
    const down = (problem: LinkProblem): void => this.#tell({ kind: 'disconnected', problem });
    const prepare = (): Promise<null> => Promise.resolve(null);
    const event = (): void => undefined;
    this.changes = new Link(env, dial, options, { prepare, event, up, down });
    this.kills = new Link(env, dial, options, { prepare, event, up, down });
    this.moves = new Link(env, dial, options, { prepare, event, up, down });
    const quiet = (): void => undefined;
    this.guests = new Link(env, dial, options, { prepare, event, up: quiet, down: quiet });
    this.reads = new Link(env, dial, options, {
      prepare: (connection) => registerEvents(connection, options.handshakeMs),
      event: (procedure, payload) => this.#receive(procedure, payload),
      up,
      down,
    });
  }

  open(): void {
    for (const link of [...this.#links(), this.guests]) link.open();
  }

  close(): void {
    for (const link of [...this.#links(), this.guests]) link.close();
  }

  connected(): boolean {
    return this.#links().every((link) => link.up());
  }

  /** Why it is not connected, or null. Codes as in `handshake`, else `libvirtUnavailable`. */
  problem(): LinkProblem | null {
    return (
      this.#links()
        .map((link) => link.problem())
        .find((problem) => problem !== null) ?? null
    );
  }

  onEvent(listener: (event: LibvirtEvent) => void): void {
    this.#listeners.push(listener);
  }

  #links(): readonly Link[] {
    return [this.reads, this.changes, this.kills, this.moves];
  }

  #tell(event: LibvirtEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #receive(procedure: number, payload: Uint8Array): void {
    const codec =
      procedure === events.lifecycle.message
        ? lifecycleMessage
        : procedure === events.metadataChange.message
          ? metadataChangeMessage
          : null;
    if (codec === null) return;
    const decoded = decode<{ domain: DomainRef }>(codec, payload);
    const domain = decoded.kind === 'ok' ? decoded.value.domain : null;
    this.#tell({ kind: 'domainChanged', domain });
  }
}

/** Before the link counts as up, so that nothing falls between the events and the first listing. */
async function registerEvents(
  connection: LibvirtConnection,
  deadlineMs: number,
): Promise<LinkProblem | null> {
  for (const { id } of Object.values(events)) {
    const args = { event: id, domain: null };
    const result = await connection.call(procedures.eventRegister, args, deadlineMs);
    if (result.kind === 'ok') continue;
    const message = result.kind === 'error' ? result.error.message : result.message;
    return { code: 'libvirtUnavailable', message: `events not registered: ${message}` };
  }
  return null;
}
