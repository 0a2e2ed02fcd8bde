import type { Problem } from '../core/problem.ts';
import { formatProblem, KennelError } from '../errors/kennel-error.ts';
import { exitCodeFor } from './exit-codes.ts';
import { processWorld } from './process-world.ts';
import type { World } from './world.ts';

/**
 * The command line: `argv` without the program's own name. Answers the exit code and never
 * throws; a problem is printed to standard error as error[CODE] / because / so / try.
 */
export async function main(
  argv: readonly string[],
  world: World = processWorld(),
): Promise<number> {
  try {
    if (argv[0] === '__complete') {
      const { printCandidates } = await import('./completion/candidates.ts');
      return await printCandidates(argv.slice(1), world);
    }
    const { runProgram } = await import('./program.ts');
    return await runProgram(argv, world);
  } catch (error) {
    const shown = error instanceof KennelError ? error.problem : defect(error);
    world.terminal.writeError(`${formatProblem(shown)}\n`);
    return exitCodeFor(shown.code);
  }
}

/** What nobody foresaw is a defect; the stack is what its finder needs to send. */
function defect(error: unknown): Problem {
  return {
    code: 'E_INTERNAL',
    what: 'the command line met a case that it does not handle',
    because: error instanceof Error ? (error.stack ?? error.message) : String(error),
    so: 'what was asked for may or may not have happened',
    try: ['kennel status', 'report it with the text above'],
  };
}
