import { readFileSync } from 'node:fs';

/** Version of this package: the same file lies at two heights, as source and compiled. */
export function packageVersion(): string {
  for (const candidate of ['../../package.json', '../../../package.json']) {
    const found = readVersion(new URL(candidate, import.meta.url));
    if (found !== null) return found;
  }
  return 'unknown';
}

function readVersion(location: URL): string | null {
  let text: string;
  try {
    text = readFileSync(location, 'utf8');
  } catch {
    return null;
  }
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) return null;
  if (!('name' in parsed) || parsed.name !== 'kennel') return null;
  return 'version' in parsed && typeof parsed.version === 'string' ? parsed.version : null;
}
