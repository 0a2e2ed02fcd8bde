/** How a machine is about to go down. */
export type GoingDown = 'reboot' | 'shutdown';

/**
 * The operating system's own shutdown. While it is watched, a shutdown that begins waits for `letGo`, as
 * long as the system allows that.
 */
export interface HostPower {
  /** Told when a shutdown begins, and with null when it was called off. */
  watch(onChange: (kind: GoingDown | null) => void): void;
  /** A shutdown that has begun, or begins later, is not held up any more. */
  letGo(): void;
  /** Begins a shutdown. Answers why it cannot; null = it has begun. */
  goDown(kind: GoingDown): Promise<string | null>;
  close(): void;
}
