const named: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** Bytes as a quoted string of Go: printable characters as they are, the rest escaped. */
export function goQuote(bytes: Uint8Array): string {
  let text = '"';
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte < 0x80) {
      text +=
        named[byte] ?? (byte < 0x20 || byte === 0x7f ? escaped(byte) : String.fromCharCode(byte));
      at++;
      continue;
    }
    const char = characterAt(bytes, at);
    if (char === undefined) {
      text += escaped(byte);
      at++;
    } else {
      text += /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char) ? char : codePoint(char);
      at += Buffer.byteLength(char);
    }
  }
  return `${text}"`;
}

function characterAt(bytes: Uint8Array, at: number): string | undefined {
  for (let length = 2; length <= 4; length++) {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        bytes.subarray(at, at + length),
      );
    } catch {
      continue;
    }
  }
  return undefined;
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

function codePoint(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return code > 0xff_ff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
