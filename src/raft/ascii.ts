/** Text of one byte a character, for marks that travel as bytes. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function asciiText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
