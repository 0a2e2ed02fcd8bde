import type { NodeRecord } from '../core/model/node.ts';
import type { SecretBox } from '../pki/cluster-keys.ts';
import type { Store } from '../store/store.ts';
import { keys, secretKey } from './keys.ts';

/** One write into the store. */
interface SealedPut {
  readonly key: string;
  readonly value: string;
}

/**
 * The credentials of fence devices. In the store they are sealed under the cluster's keys, so that
 * neither the store's servers nor their backups tell them.
 */
export class FenceSecrets {
  readonly #store: Pick<Store, 'get' | 'list'>;
  readonly #box: SecretBox;

  constructor(store: Pick<Store, 'get' | 'list'>, box: SecretBox) {
    this.#store = store;
    this.#box = box;
  }

  /**
   * Secrets of a device by name, empty when it has none. Rejects when the store is silent, and with
   * `SecretUnreadable` when they cannot be opened here.
   */
  async read(node: string, device: string): Promise<Readonly<Record<string, string>>> {
    const key = secretKey(node, device);
    const { item } = await this.#store.get(key);
    return item === null ? {} : secretsOf(this.#box.open(key, item.value));
  }

  /** The write that keeps a device's secrets. */
  put(node: string, device: string, secrets: Readonly<Record<string, string>>): SealedPut {
    const key = secretKey(node, device);
    return { key, value: this.#box.seal(key, JSON.stringify(secrets)) };
  }

  /** What lies under a key that is on its way out, sealed anew. Empty when there is nothing. */
  async resealed(): Promise<readonly SealedPut[]> {
    const { items } = await this.#store.list(keys.secrets);
    return items
      .filter((item) => this.#box.isStale(item.value))
      .map(({ key, value }) => ({ key, value: this.#box.seal(key, this.#box.open(key, value)) }));
  }
}

function secretsOf(text: string): Readonly<Record<string, string>> {
  return JSON.parse(text) as Record<string, string>;
}

/** The keys under which a node's fence devices have their secrets. */
export function fenceSecretKeys(node: NodeRecord): readonly string[] {
  const devices = node.fenceTopology.flatMap((level) => level.devices);
  return devices.map((device) => secretKey(node.id, device.id));
}
