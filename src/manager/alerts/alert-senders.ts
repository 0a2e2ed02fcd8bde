import { AlertSender, type AlertSenderOptions, type AlertStatus } from './alert-sender.ts';

/** One sender for each alert that is recorded, for as long as this manager leads. */
export class AlertSenders {
  readonly #options: AlertSenderOptions;
  readonly #senders = new Map<string, AlertSender>();

  constructor(options: AlertSenderOptions) {
    this.#options = options;
  }

  /** Alerts came or went, or there are new events. */
  notify(): void {
    const { alerts } = this.#options.leader.mirror;
    for (const [id, sender] of this.#senders) {
      if (alerts.has(id)) continue;
      sender.stop();
      this.#senders.delete(id);
    }
    for (const id of alerts.keys()) {
      const known = this.#senders.get(id);
      if (known !== undefined) {
        known.notify();
        continue;
      }
      const sender = new AlertSender(this.#options, id);
      this.#senders.set(id, sender);
      sender.start();
    }
  }

  stop(): void {
    for (const sender of this.#senders.values()) sender.stop();
    this.#senders.clear();
  }

  status(id: string): AlertStatus | null {
    return this.#senders.get(id)?.status ?? null;
  }
}
