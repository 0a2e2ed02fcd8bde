import { z } from 'zod';
import type { KeptPromise } from '../../src/core/hold/promiser.ts';
import { DiskError } from '../../src/env/disk.ts';
import type { Env } from '../../src/env/env.ts';

const noteSchema = z.object({
  format: z.literal('kennel-peer-hold/1'),
  /** A promise may have been made that runs still. */
  promising: z.boolean(),
  /** The longest V and K in use so far, ms. */
  bindMs: z.int().min(1),
  keepMs: z.int().min(1),
});

type HoldNote = Omit<z.infer<typeof noteSchema>, 'format'>;

/**
 * What an agent must remember of its promises over its own death: whether it made any since its last
 * lease, and the times that the next start has to wait (docs/peer-hold.md). No lease is written down:
 * a start that may have had an earlier one waits in any case.
 */
export class HoldFile {
  readonly #env: Env;
  readonly #path: string;
  #durable: HoldNote | null;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(env: Env, path: string, durable: HoldNote | null) {
    this.#env = env;
    this.#path = path;
    this.#durable = durable;
  }

  static async read(
    env: Env,
    path: string,
  ): Promise<{ readonly file: HoldFile; readonly kept: KeptPromise }> {
    const kept = await readNote(env, path);
    return { file: new HoldFile(env, path, kept.kind === 'kept' ? kept : null), kept };
  }

  /** As it certainly is on disk; null = not known, or nothing is. */
  get durable(): HoldNote | null {
    return this.#durable;
  }

  /** True once it is on disk. In the order of the calls. */
  write(note: HoldNote): Promise<boolean> {
    const written = this.#writing.then(() => this.#replace(note));
    this.#writing = written;
    return written;
  }

  /** Waits for the writes that are under way. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #replace({ promising, bindMs, keepMs }: HoldNote): Promise<boolean> {
    const before = this.#durable;
    if (before?.promising === promising && before.bindMs === bindMs && before.keepMs === keepMs) {
      return true;
    }
    const note = { format: 'kennel-peer-hold/1', promising, bindMs, keepMs };
    // A write that fails may have taken effect.
    this.#durable = null;
    try {
      const bytes = new TextEncoder().encode(`${JSON.stringify(note)}\n`);
      await this.#env.disk.replace(this.#path, bytes, { mode: 0o600 });
      this.#durable = { promising, bindMs, keepMs };
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#env.log.warn({ path: this.#path, err: error.message }, 'promises cannot be noted');
      return false;
    }
  }
}

async function readNote(env: Env, path: string): Promise<KeptPromise> {
  try {
    const bytes = await env.disk.read(path);
    if (bytes === null) return { kind: 'none' };
    const parsed = noteSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (parsed.success) return { kind: 'kept', ...parsed.data };
    env.log.error({ path }, 'the note of promises is damaged, taken for the worst');
  } catch (error) {
    env.log.error({ path, err: error }, 'the note of promises cannot be read, taken for the worst');
  }
  return { kind: 'damaged' };
}
