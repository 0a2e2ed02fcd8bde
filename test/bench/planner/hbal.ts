import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatHtools, type HtoolsText } from '../../../src/cli/plan/htools-text.ts';

/** Debian's versioned packages bring it without the link in /usr/bin. */
const places = ['/usr/bin/hbal', '/usr/lib/ganeti/3.0/usr/bin/hbal'];

export interface HbalRun {
  readonly score: number;
  readonly moves: number;
  readonly ms: number;
}

/** Ganeti's own planner on a file of ours; null where it is not installed. */
export class Hbal {
  readonly #program: string;
  readonly #directory: string;

  private constructor(program: string, directory: string) {
    this.#program = program;
    this.#directory = directory;
  }

  static find(directory: string): Hbal | null {
    const program = places.find((path) => existsSync(path));
    return program === undefined ? null : new Hbal(program, directory);
  }

  /** The cluster score of a site as it is; lower is better. */
  score(text: HtoolsText): number {
    const args = ['-t', this.#write(text), '-l', '0', '--ignore-dynu'];
    // It warns of disks that it cannot account for, a line per node.
    const output = execFileSync(this.#program, args, {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const score = /score:? +([0-9.]+)/i.exec(output)?.[1];
    if (score === undefined) throw new Error(`hbal gave no score:\n${output.slice(0, 2000)}`);
    return Number(score);
  }

  /** Its plan for the VMs of nodes that are offline; null when it takes longer. */
  evacuate(text: HtoolsText, timeoutMs: number): HbalRun | null {
    const args = ['-t', this.#write(text), '-E', '--ignore-dynu'];
    const startedMs = performance.now();
    const run = spawnSync(this.#program, args, {
      encoding: 'utf8',
      timeout: timeoutMs,
      maxBuffer: 2 ** 28,
    });
    const ms = Math.round(performance.now() - startedMs);
    const score = /improved from [0-9.]+ to ([0-9.]+)/.exec(run.stdout)?.[1];
    const moves = /Solution length=([0-9]+)/.exec(run.stdout)?.[1];
    if (score === undefined || moves === undefined) return null;
    return { score: Number(score), moves: Number(moves), ms };
  }

  #write(text: HtoolsText): string {
    const file = join(this.#directory, 'site.data');
    writeFileSync(file, formatHtools(text));
    return file;
  }
}
