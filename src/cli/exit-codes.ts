import type { ProblemCode } from '../core/problem.ts';

/** What `kennel` exits with. Documented in docs/cli.md; scripts rely on it. */
export const exitCodes = {
  /** Done; for `status`: healthy. */
  done: 0,
  /** Refused or failed; for `status`: degraded. */
  failed: 1,
  /** No manager with a quorum answered. */
  unreachable: 2,
  /** The command line is not of the documented form (`EX_USAGE` of sysexits). */
  usage: 64,
} as const;

export function exitCodeFor(code: ProblemCode): number {
  switch (code) {
    case 'E_USAGE':
      return exitCodes.usage;
    case 'E_UNAVAILABLE':
    case 'E_NOT_LEADER':
      return exitCodes.unreachable;
    default:
      return exitCodes.failed;
  }
}
