/** Something that shows whether a guest works, asked by the agent of the node that runs it. */
export type GuestCheck =
  /** The guest agent answers a ping. */
  | { readonly kind: 'agent' }
  /** A connection to the port is taken. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** GET answers with a status of 200 to 399. No redirect is followed. */
  | { readonly kind: 'http'; readonly host: string; readonly port: number; readonly path: string };

/** One text per check, so that two specs of one check compare equal. */
export function checkKey(check: GuestCheck): string {
  switch (check.kind) {
    case 'agent':
      return 'agent';
    case 'tcp':
      return `tcp://${check.host}:${check.port}`;
    case 'http':
      return `http://${check.host}:${check.port}${check.path}`;
    default:
      return check satisfies never;
  }
}

/** The same in words, for people. */
export function checkText(check: GuestCheck): string {
  return check.kind === 'agent' ? 'its guest agent answers' : `${checkKey(check)} answers`;
}

/** A check that is repeated for as long as the guest runs. Times in ms. */
export interface HealthCheck {
  readonly check: GuestCheck;
  readonly intervalMs: number;
  /** How long one answer may take. */
  readonly timeoutMs: number;
  /** So many failures in a row make the guest ill. */
  readonly failures: number;
  /** From its start on, failures do not count for so long. */
  readonly graceMs: number;
}

/** What is done when a guest ends by itself, crashes, or does not work (FAILURES V2 to V4). */
export interface GuestPolicy {
  /** The guest shut itself down in order. */
  readonly onShutdown: 'restart' | 'stayOff';
  /**
   * It panicked, or its QEMU died. `dump` writes its memory to the node's disk first; `preserve` keeps a
   * guest that panicked as it is, for a look.
   */
  readonly onCrash: 'restart' | 'dump' | 'preserve' | 'stayOff';
  /** Null = nobody asks whether it works. */
  readonly health: HealthCheck | null;
}

/** What holds for a VM whose spec says nothing. */
export const defaultGuestPolicy: GuestPolicy = {
  onShutdown: 'restart',
  onCrash: 'restart',
  health: null,
};

/** How a check of one start stands. `pending`: it has not passed since that start. */
export type Verdict = 'pending' | 'passing' | 'ill';

/** What an agent is told to ask of a guest. */
export interface GuestWatch {
  readonly check: GuestCheck;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failures: number;
  readonly graceMs: number;
  /** Asked on after it passed; false = only that it passed once is of interest. */
  readonly repeats: boolean;
}
