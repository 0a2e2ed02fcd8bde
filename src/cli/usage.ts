import type { Problem } from '../core/problem.ts';
import { KennelError } from '../errors/kennel-error.ts';

/** A command line that cannot be carried out as typed: exit code 64, and nothing was done. */
export function usageError(fields: {
  readonly what: string;
  readonly because: string;
  readonly try: readonly string[];
}): KennelError {
  const problem: Problem = {
    code: 'E_USAGE',
    what: fields.what,
    because: fields.because,
    so: 'nothing was changed',
    try: fields.try,
  };
  return new KennelError(problem);
}
