import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync } from 'oxc-parser';
import { testTitles } from './test-titles.ts';
import type { TestTitle } from './test-titles.ts';

export interface SourceFile {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly titles: readonly TestTitle[];
  /** Files of the project that it imports as it stands, from the root. */
  readonly imports: readonly string[];
}

const folders = ['agent', 'chaos', 'deploy', 'fencing', 'src', 'test'];

/** The TypeScript files below the root, read and parsed once each, when first asked for. */
export class SourceTree {
  readonly #root: string;
  readonly #files = new Map<string, SourceFile>();

  constructor(root: string) {
    this.#root = root;
  }

  testFiles(): readonly string[] {
    const found = folders.flatMap((folder) =>
      globSync(`${folder}/**/*.test.ts`, { cwd: this.#root }),
    );
    return found.map((path) => path.replaceAll('\\', '/')).sort();
  }

  /** Throws for a file that cannot be read or has a syntax error. */
  file(path: string): SourceFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const parsed = parseSync(path, readFileSync(posix.join(this.#root, path), 'utf8'));
    const [error] = parsed.errors;
    if (error !== undefined) throw new Error(`${path}: ${error.message}`);
    const imports = parsed.module.staticImports
      .filter(({ entries }) => entries.length === 0 || entries.some((entry) => !entry.isType))
      .map(({ moduleRequest }) => moduleRequest.value)
      .filter((name) => name.startsWith('.') && name.endsWith('.ts'))
      .map((name) => posix.join(posix.dirname(path), name));
    const file = { path, titles: testTitles(parsed), imports };
    this.#files.set(path, file);
    return file;
  }

  /** The file with everything that it imports, directly or not. */
  reached(path: string): readonly SourceFile[] {
    const found = new Map<string, SourceFile>();
    const waiting = [path];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (found.has(next)) continue;
      const file = this.file(next);
      found.set(next, file);
      waiting.push(...file.imports);
    }
    return [...found.values()];
  }
}
