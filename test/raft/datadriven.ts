/** One command of a transcript and what it must print. */
export interface Command extends Call {
  readonly line: number;
  readonly input: string;
  readonly expected: string;
}

/** A verb with its arguments. */
export interface Call {
  readonly verb: string;
  readonly args: readonly Argument[];
}

/** `key`, `key=value` or `key=(value, value)`. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

const separator = '----';

/**
 * Reads a file in the data-driven format: a command line, input lines, `----`, the expected output up
 * to a blank line. Output that holds blank lines stands between two doubled separators. Lines that
 * begin with `#` are comments.
 */
export function parseDataDriven(text: string): readonly Command[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const commands: Command[] = [];
  let at = 0;
  while (at < lines.length) {
    const first = lines[at] as string;
    if (first.trim() === '' || first.startsWith('#')) {
      at++;
      continue;
    }
    const line = at + 1;
    let command = lines[at++] as string;
    while (command.endsWith('\\') && at < lines.length) {
      command = `${command.slice(0, -1)} ${(lines[at++] as string).trim()}`;
    }
    const input: string[] = [];
    while (at < lines.length && lines[at] !== separator) input.push(lines[at++] as string);
    if (at >= lines.length) throw new Error(`line ${line}: no ${separator} after the command`);
    at++;
    const { expected, next } = expectedFrom(lines, at);
    at = next;
    commands.push({ line, ...parseCall(command), input: input.join('\n'), expected });
  }
  return commands;
}

/** One command line. */
export function parseCall(line: string): Call {
  const [verb = '', ...args] = words(line);
  return { verb, args: args.map(argument) };
}

function expectedFrom(
  lines: readonly string[],
  from: number,
): { readonly expected: string; readonly next: number } {
  const found: string[] = [];
  let at = from;
  if (lines[at] === separator) {
    for (at++; at < lines.length; at++) {
      if (lines[at] === separator && lines[at + 1] === separator) {
        return { expected: found.join('\n'), next: at + 2 };
      }
      found.push(lines[at] as string);
    }
    throw new Error(`line ${from + 1}: the doubled ${separator} is not closed`);
  }
  for (; at < lines.length && (lines[at] as string).trim() !== ''; at++) {
    found.push(lines[at] as string);
  }
  return { expected: found.join('\n'), next: at };
}

/** Splits at blanks that stand outside of parentheses. */
function words(command: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let word = '';
  for (const char of command) {
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (/\s/.test(char) && depth === 0) {
      if (word !== '') found.push(word);
      word = '';
    } else {
      word += char;
    }
  }
  if (word !== '') found.push(word);
  return found;
}

function argument(word: string): Argument {
  const equals = word.indexOf('=');
  if (equals < 0) return { key: word, values: [] };
  const key = word.slice(0, equals);
  const value = word.slice(equals + 1);
  if (!value.startsWith('(')) return { key, values: [value] };
  const inner = value.slice(1, -1).trim();
  return { key, values: inner === '' ? [] : inner.split(/[,\s]+/) };
}
