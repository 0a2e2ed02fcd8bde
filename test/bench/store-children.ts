import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Answer, Question } from './store-process.ts';

/** The parent's end of one process of the store bench. */
export class StoreChild {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'store-process.ts'), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  /** Throws when the process says that it failed, or ends. One question at a time. */
  async ask(question: Question): Promise<Answer> {
    const ended = new AbortController();
    const { signal } = ended;
    this.#child.send(question);
    try {
      const [said] = (await Promise.race([
        once(this.#child, 'message', { signal }),
        once(this.#child, 'exit', { signal }).then(([code]) => {
          throw new Error(`a store process ended with ${code}`);
        }),
      ])) as [Answer];
      if (said.kind === 'failed') throw new Error(said.because);
      return said;
    } finally {
      ended.abort();
    }
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
