import { parseCall, parseDataDriven, type Command } from './datadriven.ts';
import { Environment, Refused } from './environment.ts';
import { Output, withoutLogLines } from './output.ts';
import { UnitVerbs } from './unit-verbs.ts';
import { raftVerbs } from './verbs.ts';

export interface Difference {
  /** Of the command, from 1. */
  readonly line: number;
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

export interface TranscriptResult {
  readonly commands: number;
  readonly differences: readonly Difference[];
}

/** Runs a transcript and compares what its commands print, log lines left out on both sides. */
export function runTranscript(text: string): TranscriptResult {
  const play = player();
  const commands = parseDataDriven(text);
  const differences: Difference[] = [];
  for (const command of commands) {
    const expected = withoutLogLines(command.expected);
    const actual = withoutLogLines(play(command));
    if (actual !== expected) {
      differences.push({ line: command.line, command: commandText(command), expected, actual });
    }
  }
  return { commands: commands.length, differences };
}

function player(): (command: Command) => string {
  const output = new Output();
  const env = new Environment(output);
  const units = new UnitVerbs(output);
  const one = (command: Command): boolean => {
    try {
      const verb = raftVerbs[command.verb];
      if (verb !== undefined) verb({ env, output }, command);
      else if (!units.run(command)) throw new Refused('unknown command');
      return true;
    } catch (error) {
      // A node that gave up is a difference like any other, and the file goes on.
      const text = error instanceof Error ? error.message : String(error);
      output.writeAlways(error instanceof Refused ? text : `panic: ${text}`);
      return false;
    }
  };
  return (command) => {
    let going = one(command);
    // Input that is none of the verb's own is more commands, whose output belongs to the first.
    const more = takesInput.has(command.verb) ? [] : command.input.split('\n');
    for (const line of more) {
      if (line.trim() === '' || !going) continue;
      going = one({ ...command, ...parseCall(line), input: '' }) || !output.quiet;
    }
    return output.take();
  };
}

const takesInput = new Set(['propose-conf-change', 'simple', 'enter-joint', 'leave-joint']);

function commandText(command: Command): string {
  const words = command.args.map(({ key, values }) => {
    if (values.length === 0) return key;
    return `${key}=${values.length === 1 ? values[0] : `(${values.join(',')})`}`;
  });
  return [command.verb, ...words].join(' ');
}
