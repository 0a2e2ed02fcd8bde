import type { SecretBox } from '../../pki/cluster-keys.ts';
import type { Store } from '../../store/store.ts';
import { keys } from '../keys.ts';

/** What is secret of a webhook: chat services put the key into the address. */
export interface WebhookSecret {
  /** Path with query, beginning with `/`. */
  readonly path: string;
  /** Sent as a bearer token; null = none. */
  readonly token: string | null;
}

/** No node has such a name. */
export const alertSecretKey = (id: string): string => `${keys.secrets}@alert/${id}`;

/** Secrets of alerts, sealed under the cluster's keys like those of fence devices. */
export class AlertSecrets {
  readonly #store: Pick<Store, 'get'>;
  readonly #box: SecretBox;

  constructor(store: Pick<Store, 'get'>, box: SecretBox) {
    this.#store = store;
    this.#box = box;
  }

  /** Rejects when the store is silent, and with `SecretUnreadable`. */
  async read(id: string): Promise<WebhookSecret | null> {
    const key = alertSecretKey(id);
    const { item } = await this.#store.get(key);
    return item === null ? null : (JSON.parse(this.#box.open(key, item.value)) as WebhookSecret);
  }

  put(id: string, secret: WebhookSecret): { readonly key: string; readonly value: string } {
    const key = alertSecretKey(id);
    return { key, value: this.#box.seal(key, JSON.stringify(secret)) };
  }
}
