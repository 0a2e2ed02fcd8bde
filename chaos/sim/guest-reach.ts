import type { Reach } from '../../src/env/reach.ts';
import type { ClusterWorld } from './cluster-world.ts';

/** Services of guests: the host of an address is the name of a VM, wherever that runs. Every port is open. */
export function guestReach({ hypervisors }: Pick<ClusterWorld, 'hypervisors'>): Reach {
  const look = ({ host }: { readonly host: string }): Promise<string | null> => {
    for (const each of hypervisors.values()) {
      const isUp = each.domains().some((domain) => domain.name === host && each.answers(domain));
      if (isUp) return Promise.resolve(null);
    }
    return Promise.resolve(`nothing answers at ${host}`);
  };
  return { tcp: look, http: look };
}
