/** Text in man(7): what the formatter would take for a request or an escape is said by an escape. */
export function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  // A line that begins so would be a request.
  return escaped.replaceAll(/^(?=[.'])/gm, '\\&');
}

/** One argument of a macro, however many words it has. */
export function quoted(text: string): string {
  return `"${roff(text).replaceAll('"', '\\(dq')}"`;
}

/** Prose of our documents: what stands between back-ticks is bold. */
export function prose(text: string): string {
  return roff(text).replaceAll(/`([^`]+)`/g, '\\fB$1\\fR');
}

/** Lines that stay as they are, for example commands. */
export function literal(lines: readonly string[]): readonly string[] {
  return ['.EX', ...lines.map(roff), '.EE'];
}

/** A term and what it means. */
export function item(term: string, meaning: string): readonly string[] {
  return ['.TP', `.B ${quoted(term)}`, prose(meaning)];
}
