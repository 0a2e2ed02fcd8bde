/** Runs tasks of one key one after another; tasks of different keys do not wait for each other. */
export class KeyedQueue<Key> {
  readonly #tails = new Map<Key, Promise<unknown>>();

  run<T>(key: Key, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const result = before === undefined ? task() : before.then(task, task);
    this.#tails.set(key, result);
    const tidy = (): void => {
      if (this.#tails.get(key) === result) this.#tails.delete(key);
    };
    result.then(tidy, tidy);
    return result;
  }
}
