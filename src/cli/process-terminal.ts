import { isatty } from 'node:tty';
import type { Terminal } from './terminal.ts';
import { usageError } from './usage.ts';

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  // Not `isTTY`: of a pipe that is undefined, whatever the types say, and picocolors takes
  // undefined as leave to ask CI and FORCE_COLOR.
  const isTerminal = isatty(1);
  return {
    isInteractive: isatty(0) && isTerminal,
    isColored: isTerminal && wantsColor(process.env),
    size: isTerminal ? { columns: stdout.columns, rows: stdout.rows } : null,
    write: (text) => {
      stdout.write(text);
    },
    writeError: (text) => {
      stderr.write(text);
    },
    writeBytes: (bytes) => {
      stdout.write(bytes);
    },
    readKeys,
    ask,
    readInput,
  };
}

/** https://no-color.org: set and not empty means no colour. */
function wantsColor(variables: Readonly<Record<string, string | undefined>>): boolean {
  return (variables['NO_COLOR'] ?? '') === '' && variables['TERM'] !== 'dumb';
}

function readKeys(onBytes: (bytes: Uint8Array) => void): () => void {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.on('data', onBytes);
  return () => {
    stdin.off('data', onBytes);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The end of input answers nothing, which is a no.
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}

async function readInput(maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > maxBytes) {
      throw usageError({
        what: 'standard input is too long',
        because: `more than ${maxBytes} bytes came`,
        try: [],
      });
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
