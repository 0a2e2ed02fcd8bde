import { formatHostPort, parseHostPort } from '../src/api/schema/host-port.ts';
import type { AgentReport, Sightings } from '../src/api/schema/session.ts';
import type { NetworkAddress } from '../src/env/network.ts';
import type { KnownManagers } from './manager-list.ts';
import { ManagerSession } from './manager-session.ts';
import type { ManagerSessionStatus } from './manager-session.ts';

/** Makes the session with one address. `onOpen` is to be called with each welcome. */
export type MakeSession = (address: NetworkAddress, onOpen: () => void) => ManagerSession;

/**
 * A session with every manager, those that lead and those that may: a take-over then costs no
 * connection. The addresses of the configuration are where it begins; the list that a leader tells
 * takes over from them.
 *
 * An address that is not on the list is let go only when what stands in for it works: the new
 * address of the same manager, or any address of the list when that manager is gone (FAILURES U9).
 */
export class ManagerSessions {
  readonly #make: MakeSession;
  readonly #sessions = new Map<string, ManagerSession>();
  #managers: KnownManagers['managers'] = [];
  #isStarted = false;

  constructor(make: MakeSession, seeds: readonly NetworkAddress[], known: KnownManagers | null) {
    this.#make = make;
    this.#managers = known?.managers ?? [];
    for (const { host, port } of seeds) this.#add(formatHostPort(host, port));
    for (const { address } of this.#managers) this.#add(address);
  }

  start(): void {
    this.#isStarted = true;
    for (const session of this.#sessions.values()) session.start();
  }

  stop(): void {
    for (const session of this.#sessions.values()) session.stop();
  }

  report(report: AgentReport): void {
    for (const session of this.#sessions.values()) session.report(report);
  }

  sightings(nodes: Sightings['nodes']): void {
    for (const session of this.#sessions.values()) session.sightings(nodes);
  }

  status(): readonly ManagerSessionStatus[] {
    return [...this.#sessions.values()].map((session) => session.status());
  }

  /** The managers are these now. */
  follow(managers: KnownManagers['managers']): void {
    this.#managers = managers;
    for (const { address } of managers) this.#add(address);
    this.#letGo();
  }

  #add(address: string): void {
    const parsed = parseHostPort(address);
    if (parsed.kind === 'invalid' || this.#sessions.has(address)) return;
    const { host, port } = parsed;
    const session = this.#make({ host, port }, () => this.#letGo());
    this.#sessions.set(address, session);
    if (this.#isStarted) session.start();
  }

  #letGo(): void {
    if (this.#managers.length === 0) return;
    const listed = new Set(this.#managers.map(({ address }) => address));
    for (const [address, session] of this.#sessions) {
      if (listed.has(address) || !this.#hasHeir(session)) continue;
      this.#sessions.delete(address);
      session.stop();
    }
  }

  #hasHeir(session: ManagerSession): boolean {
    const { manager } = session.status();
    const moved = this.#managers.find(({ name }) => name === manager);
    const heirs = moved === undefined ? this.#managers : [moved];
    return heirs.some(({ address }) => this.#sessions.get(address)?.status().state === 'open');
  }
}
