import type { Logger } from './types.ts';

/** The core found itself in a state that its rules exclude. The process must not go on. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
}

/** Says it to the log and gives the error to throw. */
export function invariantBroken(logger: Logger, text: string): InvariantBroken {
  logger.fatal(text);
  return new InvariantBroken(text);
}
