export interface ProcessRequest {
  readonly file: string;
  readonly arguments: readonly string[];
  /** Written to stdin, which is then closed. Secrets travel here and nowhere else. */
  readonly input: string;
  /** The whole environment of the child; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** SIGKILL to the whole process group after this many ms. */
  readonly timeoutMs: number;
  /** Each of stdout and stderr is cut at this many bytes. */
  readonly maxOutputBytes: number;
  readonly signal?: AbortSignal;
}

export type ProcessResult =
  | {
      readonly kind: 'exited';
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  /** Killed at the deadline, by the abort signal, or by someone else: the effect is unknown. */
  | {
      readonly kind: 'killed';
      readonly because: 'timeout' | 'aborted' | 'signal';
      readonly stdout: string;
      readonly stderr: string;
    }
  /** The program could not be started; nothing ran. */
  | { readonly kind: 'notStarted'; readonly because: string };

export interface Processes {
  /** Runs a program to its end in a process group of its own. Never rejects. */
  run(request: ProcessRequest): Promise<ProcessResult>;
}
