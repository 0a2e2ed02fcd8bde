import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

export interface Import {
  /** The importing file, relative to the root. */
  readonly file: string;
  /** A path relative to the root, or a package name. */
  readonly target: string;
  readonly isPackage: boolean;
  readonly isTypeOnly: boolean;
}

const importForm =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'"();]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

/** Every TypeScript file below a folder, relative to the root. */
export function sourceFiles(root: string, folder: string): readonly string[] {
  const found: string[] = [];
  for (const name of readdirSync(join(root, folder))) {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) found.push(...sourceFiles(root, path));
    else if (name.endsWith('.ts')) found.push(path);
  }
  return found;
}

/** Static and dynamic imports of a file, and what it re-exports. */
export function importsOf(root: string, file: string): readonly Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return importsIn(text).map(({ target, isTypeOnly }) => {
    const isPackage = !target.startsWith('.');
    return {
      file,
      isPackage,
      isTypeOnly,
      target: isPackage ? target : relative(root, normalize(join(root, dirname(file), target))),
    };
  });
}

/** The same of a text; targets as they are written. */
export function importsIn(
  text: string,
): readonly { readonly target: string; readonly isTypeOnly: boolean }[] {
  return [...text.matchAll(importForm)].map((match) => ({
    target: match[2] ?? match[3] ?? '',
    isTypeOnly: match[1] !== undefined,
  }));
}
