/** Runs under way; each hears of every rejection, because none can be told from another's. */
const watches = new Set<RejectionWatch>();
let others: NodeJS.UnhandledRejectionListener[] = [];

const tellAll = (reason: unknown): void => {
  for (const watch of watches) watch.hear(reason);
};

/**
 * Takes unhandled rejections over from whoever else listens for them, from its making to its end,
 * so that a run that has one fails by its own name and seed.
 */
export class RejectionWatch {
  #first: { readonly reason: unknown } | null = null;

  constructor() {
    if (watches.size === 0) {
      others = process.listeners('unhandledRejection');
      process.removeAllListeners('unhandledRejection');
      process.on('unhandledRejection', tellAll);
    }
    watches.add(this);
  }

  hear(reason: unknown): void {
    this.#first ??= { reason };
  }

  /** Gives the event back with the last watch; the first rejection heard, or null. */
  end(): { readonly reason: unknown } | null {
    watches.delete(this);
    if (watches.size === 0) {
      process.removeListener('unhandledRejection', tellAll);
      for (const other of others) process.on('unhandledRejection', other);
    }
    return this.#first;
  }
}
