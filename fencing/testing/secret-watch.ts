import { readFileSync, readdirSync } from 'node:fs';

const intervalMs = 10;
/** A leak shows at the start of a process; later scans of it are not needed. */
const scansPerProcess = 25;

/**
 * Looks for secrets in the arguments and the environment of every process on the machine, as any
 * local user could, for as long as it runs.
 */
export class SecretWatch {
  /** Where a secret was seen. */
  readonly leaks: string[] = [];
  readonly #seen = new Map<string, string>();
  /** Programs seen running, by their first argument. */
  readonly programs = new Set<string>();
  readonly #secrets = new Set<string>();
  readonly #scans = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#scan(), intervalMs);
  }

  add(secret: string): void {
    this.#secrets.add(secret);
  }

  /** Where one of these was seen first; null = nowhere. One watch may serve several tests at once. */
  leakOf(secrets: readonly string[]): string | null {
    const found = secrets.find((secret) => this.#seen.has(secret));
    return found === undefined ? null : (this.#seen.get(found) ?? null);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #scan(): void {
    const present = new Set(readdirSync('/proc').filter((name) => /^\d+$/.test(name)));
    for (const pid of this.#scans.keys()) if (!present.has(pid)) this.#scans.delete(pid);
    for (const pid of present) {
      const scans = this.#scans.get(pid) ?? 0;
      if (scans >= scansPerProcess) continue;
      this.#scans.set(pid, scans + 1);
      this.#look(pid);
    }
  }

  #look(pid: string): void {
    for (const what of ['cmdline', 'environ']) {
      const text = read(`/proc/${pid}/${what}`);
      if (what === 'cmdline') this.programs.add(text.split('\0')[0] ?? '');
      for (const secret of this.#secrets) {
        if (!text.includes(secret)) continue;
        const leak = `${what} of ${text.slice(0, 200)}`;
        this.leaks.push(leak);
        if (!this.#seen.has(secret)) this.#seen.set(secret, leak);
      }
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
