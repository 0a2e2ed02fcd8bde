import type { ProcessRequest, ProcessResult, Processes } from '../../src/env/processes.ts';
import type { EventLabel, VirtualTime } from './virtual-time.ts';

/**
 * The programs that exist on a simulated host, by file name without directory. A program may take
 * its time or hang: the deadline and the abort signal of the request are kept here, and what a
 * killed program still does to the world is its own affair.
 */
export class SimPrograms implements Processes {
  readonly #time: VirtualTime;
  readonly #label: EventLabel;
  readonly #programs = new Map<string, Processes>();

  constructor(time: VirtualTime) {
    this.#time = time;
    this.#label = time.label('program');
  }

  /** Installs a program, or replaces it. */
  install(name: string, program: Processes): void {
    this.#programs.set(name, program);
  }

  uninstall(name: string): void {
    this.#programs.delete(name);
  }

  run(request: ProcessRequest): Promise<ProcessResult> {
    const name = request.file.slice(request.file.lastIndexOf('/') + 1);
    const program = this.#programs.get(name);
    if (program === undefined) {
      return Promise.resolve({ kind: 'notStarted', because: `${request.file}: no such program` });
    }
    if (request.signal?.aborted === true) {
      return Promise.resolve({ kind: 'notStarted', because: 'aborted' });
    }
    return new Promise((resolve, reject) => {
      const abort = (): void => end(killed('aborted'));
      const deadline = this.#time.schedule(
        request.timeoutMs,
        () => end(killed('timeout')),
        this.#label,
      );
      const end = (result: ProcessResult): void => {
        deadline.cancel();
        request.signal?.removeEventListener('abort', abort);
        resolve(result);
      };
      request.signal?.addEventListener('abort', abort, { once: true });
      program.run(request).then((result) => end(cutOutput(result, request.maxOutputBytes)), reject);
    });
  }
}

function killed(because: 'timeout' | 'aborted'): ProcessResult {
  return { kind: 'killed', because, stdout: '', stderr: '' };
}

function cutOutput(result: ProcessResult, maxBytes: number): ProcessResult {
  if (result.kind === 'notStarted') return result;
  const cut = (text: string): string =>
    text.length * 3 <= maxBytes ? text : Buffer.from(text).subarray(0, maxBytes).toString();
  return { ...result, stdout: cut(result.stdout), stderr: cut(result.stderr) };
}
