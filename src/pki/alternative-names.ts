import { isIP } from 'node:net';

/**
 * Splits the text form of a certificate's subject alternative names. Entries are separated by
 * `, `; an entry whose value holds a separator or control character is written as a JSON string,
 * so that it cannot pass for several entries. Null when the text is not of that form.
 */
export function splitAlternativeNames(
  text: string,
): readonly { readonly type: string; readonly value: string }[] | null {
  const names: { type: string; value: string }[] = [];
  let position = 0;
  while (position < text.length) {
    const entry = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
    entry.lastIndex = position;
    const [all, type, raw] = entry.exec(text) ?? [];
    if (all === undefined || type === undefined || raw === undefined) return null;
    const value = raw.startsWith('"') ? unquote(raw) : raw;
    if (value === null) return null;
    names.push({ type, value });
    position += all.length;
  }
  return names;
}

function unquote(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}

/** Hosts of an address list as a certificate names them, each once. */
export function alternativeNamesOf(hosts: readonly string[]): {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
} {
  const all = [...new Set(hosts)];
  return {
    dnsNames: all.filter((host) => isIP(host) === 0),
    ipAddresses: all.filter((host) => isIP(host) !== 0),
  };
}
