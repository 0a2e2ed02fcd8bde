/**
 * Makes text of others (devices, guests, libvirt) fit for a terminal: line breaks become blanks,
 * and control characters, which could move the cursor or set a title, become `?`.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\t\r\n]+/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
