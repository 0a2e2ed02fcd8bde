import type { KubeObject } from './kube-api.ts';
import { keyOf } from './resource.ts';

/** What the API server last said of all objects of a kind, by `namespace/name`. */
export class ObjectStore<T extends KubeObject = KubeObject> {
  readonly #objects = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Everything anew; answers the keys of what came, changed and went. */
  replace(objects: readonly T[]): readonly string[] {
    const fresh = new Map(objects.map((one) => [keyOf(one), one]));
    const changed = [...this.#objects.keys()].filter((key) => !fresh.has(key));
    for (const [key, object] of fresh) {
      const known = this.#objects.get(key);
      if (known === undefined || !isSame(known, object)) changed.push(key);
    }
    this.#objects.clear();
    for (const [key, object] of fresh) this.#objects.set(key, object);
    return changed;
  }

  put(object: T): string {
    const key = keyOf(object);
    this.#objects.set(key, object);
    return key;
  }

  remove(object: T): string {
    const key = keyOf(object);
    this.#objects.delete(key);
    return key;
  }
}

/** Another uid under the same name is another object, whatever its version. */
function isSame(a: KubeObject, b: KubeObject): boolean {
  return (
    a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion
  );
}
