import { exitCodes } from '../exit-codes.ts';

/** What each exit code says, for the pages. */
export const exitStatus: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.done, 'done; for `status`: healthy'],
  [exitCodes.failed, 'refused or failed; for `status`: degraded'],
  [exitCodes.unreachable, 'no quorum, or no manager reached'],
  [
    exitCodes.usage,
    'the command line is not of the documented form, or a question could not be asked',
  ],
];
