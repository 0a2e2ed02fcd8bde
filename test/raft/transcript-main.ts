import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runTranscript, type Difference } from './transcript.ts';

interface FileResult {
  readonly file: string;
  readonly commands: number;
  readonly equal: boolean;
  readonly firstDifference: Difference | { readonly error: string } | null;
}

const usage = 'usage: npm run raft:transcript -- FILE… [--json]';

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  if (positionals.length === 0) {
    console.error(usage);
    return 2;
  }
  const files = positionals.map((file) => run(file, values.json));
  if (values.json) console.log(JSON.stringify({ files }, null, 2));
  return files.every((file) => file.equal) ? 0 : 1;
}

function run(file: string, quiet: boolean): FileResult {
  try {
    const { commands, differences } = runTranscript(readFileSync(file, 'utf8'));
    if (!quiet) print(file, commands, differences);
    const equal = differences.length === 0;
    return { file, commands, equal, firstDifference: differences[0] ?? null };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (!quiet) console.log(`${file}: ${text}`);
    return { file, commands: 0, equal: false, firstDifference: { error: text } };
  }
}

function print(file: string, commands: number, differences: readonly Difference[]): void {
  console.log(`${file}: ${commands} commands, ${differences.length} differ`);
  for (const { line, command, expected, actual } of differences) {
    console.log(`\n${file}:${line}: ${command}`);
    console.log(diffLines(expected.split('\n'), actual.split('\n')).join('\n'));
  }
}

/** Lines only expected (`-`), only printed (`+`), and both: by the longest common subsequence. */
function diffLines(expected: readonly string[], actual: readonly string[]): readonly string[] {
  const lengths = Array.from({ length: expected.length + 1 }, () =>
    Array.from({ length: actual.length + 1 }, () => 0),
  );
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = expected.length - 1; i >= 0; i--) {
    for (let j = actual.length - 1; j >= 0; j--) {
      (lengths[i] as number[])[j] =
        expected[i] === actual[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < expected.length || j < actual.length) {
    if (i < expected.length && j < actual.length && expected[i] === actual[j]) {
      lines.push(`  ${expected[i++]}`);
      j++;
    } else if (j >= actual.length || (i < expected.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`- ${expected[i++]}`);
    } else {
      lines.push(`+ ${actual[j++]}`);
    }
  }
  return lines;
}

process.exitCode = main();
