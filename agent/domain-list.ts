import type { Hypervisor, HypervisorDomain } from './hypervisor.ts';

export type Listing =
  | { readonly kind: 'ok'; readonly domains: readonly HypervisorDomain[] }
  | { readonly kind: 'unknown'; readonly because: string };

/**
 * The one place that lists domains. Callers that ask while a listing runs share the next one, so
 * that what they get was always begun after they asked: a verification never reads the past.
 */
export class DomainList {
  readonly #hypervisor: Hypervisor;
  readonly #onListing: (listing: Listing) => void;
  #running: Promise<Listing> | null = null;
  #next: Promise<Listing> | null = null;
  #known = new Map<string, HypervisorDomain>();

  /** `onListing` gets every listing, whoever asked for it. */
  constructor(hypervisor: Hypervisor, onListing: (listing: Listing) => void) {
    this.#hypervisor = hypervisor;
    this.#onListing = onListing;
  }

  /** The domain as last listed, however long ago; undefined when it was absent then. */
  lastSeen(vm: string): HypervisorDomain | undefined {
    return this.#known.get(vm);
  }

  /** A listing that begins after this call. Never rejects; ends by the hypervisor's own deadline. */
  fresh(): Promise<Listing> {
    this.#next ??= this.#listNext(this.#running);
    return this.#next;
  }

  async #listNext(running: Promise<Listing> | null): Promise<Listing> {
    await running;
    this.#next = null;
    this.#running = this.#list();
    const listing = await this.#running;
    if (listing.kind === 'ok') {
      this.#known = new Map(listing.domains.map((domain) => [domain.vm, domain]));
    }
    this.#onListing(listing);
    return listing;
  }

  async #list(): Promise<Listing> {
    const result = await this.#hypervisor.list();
    if (result.kind === 'ok') return { kind: 'ok', domains: result.value };
    return { kind: 'unknown', because: result.message };
  }
}

export function findDomain(listing: Listing, vm: string): HypervisorDomain | undefined {
  return listing.kind === 'ok' ? listing.domains.find((domain) => domain.vm === vm) : undefined;
}
