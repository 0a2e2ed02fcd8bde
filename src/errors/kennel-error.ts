import type { Problem, ProblemCode } from '../core/problem.ts';

/**
 * The one error class that crosses layers. Thrown at edges (command line, start-up, HTTP client);
 * expected failures inside are `Outcome` values. Never carries a secret.
 */
export class KennelError extends Error {
  readonly problem: Problem;
  constructor(fields: Problem, options?: { readonly cause?: unknown }) {
    super(`${fields.what}: ${fields.because}`, options);
    this.name = 'KennelError';
    this.problem = fields;
  }
  get code(): ProblemCode {
    return this.problem.code;
  }
}

/** The printed form, as in every interface of Kennel. No trailing newline. */
export function formatProblem(fields: Problem): string {
  const lines = [`error[${fields.code}]: ${fields.what}`];
  if (fields.because !== '') lines.push(`  because: ${fields.because}`);
  if (fields.so !== '') lines.push(`  so:      ${fields.so}`);
  for (const [index, step] of fields.try.entries()) {
    lines.push(index === 0 ? `  try:     ${step}` : `           or ${step}`);
  }
  return lines.join('\n');
}
