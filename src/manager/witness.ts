import { managerId } from '../core/model/ids.ts';
import type { Env } from '../env/env.ts';
import type { Listener, NetworkAddress } from '../env/network.ts';
import type { Membership } from '../store/membership.ts';
import type { Store } from '../store/store.ts';
import { Peers } from './peers.ts';

export interface WitnessOptions {
  readonly env: Env;
  /** A member of the store that managers replicate. */
  readonly store: Store;
  readonly membership: Pick<Membership, 'left'>;
  readonly name: string;
  /** Where other managers reach it; agents are sent away. */
  readonly sessions: NetworkAddress;
  /** It was removed from the cluster, and should stop. */
  readonly onRemoved?: () => void;
}

export interface Witness {
  stop(): Promise<void>;
}

/**
 * A manager that votes in the store and does nothing else: it never campaigns, so that it grants no
 * lease and fences nobody, and holds no key of the cluster. Other managers hear that it is there.
 * Rejects when the session address cannot be listened on.
 */
export async function startWitness(options: WitnessOptions): Promise<Witness> {
  const { env, store, membership, name, sessions, onRemoved } = options;
  const self = managerId(name);
  const standing = () => ({ revision: store.status().revision, leading: null });
  const peers = new Peers({ env, self, standing, heardOf: () => [] });
  const listener: Listener = await env.network.listen(sessions, (channel) => {
    if (channel.peer.role === 'manager') peers.accept(channel);
    else channel.close('a witness serves no agents');
  });
  let isStopped = false;
  const removed = (): void => {
    if (isStopped) return;
    env.log.error({ manager: name }, 'this witness was removed from the cluster');
    onRemoved?.();
  };
  void membership.left().then(removed);
  return {
    stop: async () => {
      isStopped = true;
      peers.stop();
      await listener.close();
    },
  };
}
