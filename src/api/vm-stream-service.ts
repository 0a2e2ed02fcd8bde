import type { Outcome } from '../core/problem.ts';
import type { Caller } from './cluster-service.ts';
import type { ScreenshotView } from './schema/guest-stream.ts';

/** Told what a guest's serial port says. */
export interface ConsoleReader {
  onOutput(bytes: Uint8Array): void;
  /** Called once, unless it was closed from here; null = it came to its end in order. */
  onEnd(because: string | null): void;
}

export interface ConsoleLink {
  readonly node: string;
  /** At most `streamPieceBytes` at a time. */
  write(bytes: Uint8Array): void;
  /** So many bytes were passed on to whoever reads; no more than that are asked of the agent. */
  passedOn(bytes: number): void;
  close(): void;
}

/** Looking into guests. */
export interface VmStreamService {
  /** The serial console of a VM that runs. Output may come before the answer. */
  console(
    vm: string,
    how: { readonly force: boolean; readonly readOnly: boolean },
    caller: Caller,
    reader: ConsoleReader,
  ): Promise<Outcome<ConsoleLink>>;
  screenshot(vm: string): Promise<Outcome<ScreenshotView>>;
}
