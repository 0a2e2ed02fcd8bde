import type { Logger } from '../types.ts';

/** Says nothing: what matters in a test is what the nodes do. */
export const quietLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
};
