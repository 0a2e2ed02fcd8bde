import type { ClusterId } from '../../core/model/ids.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Where one cluster lives in a shared etcd: nothing outside `/kennel/<cluster>/` is touched. */
export class Keyspace {
  /** Rewritten by every transaction that writes; see `LargeTransactions`. */
  readonly turn: Uint8Array;
  readonly #data: string;

  constructor(cluster: ClusterId) {
    this.turn = encoder.encode(`/kennel/${cluster}/turn`);
    this.#data = `/kennel/${cluster}/data/`;
  }

  /** Throws for a key that is not of this cluster. */
  nameOf(key: Uint8Array): string {
    const name = decoder.decode(key);
    if (!name.startsWith(this.#data)) throw new Error(`${name} is not a key of this cluster`);
    return name.slice(this.#data.length);
  }

  key(name: string): Uint8Array {
    return encoder.encode(this.#data + name);
  }

  /** All keys that begin with a prefix, as etcd wants it. */
  range(prefix: string): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
    const key = this.key(prefix);
    return { key, rangeEnd: endOf(key) };
  }
}

/** The first key after all that begin with `prefix`. UTF-8 has no byte 0xff, so adding 1 will do. */
function endOf(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice();
  const last = end.length - 1;
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
