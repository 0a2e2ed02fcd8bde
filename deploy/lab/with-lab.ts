import type { Command } from 'commander';
import { formatProblem, KennelError } from '../../src/errors/kennel-error.ts';
import { openLab, type Lab } from './lab.ts';
import { LabError } from './lab-error.ts';

interface LabFlags {
  readonly dir?: string;
  readonly prefix?: string;
  readonly subnet?: string;
}

/** Runs one subcommand: expected failures become a coded message and exit code 1. */
export async function withLab(command: Command, work: (lab: Lab) => Promise<void>): Promise<void> {
  const { dir, prefix, subnet } = command.optsWithGlobals<LabFlags>();
  try {
    await work(openLab({ directory: dir, prefix, subnet }));
  } catch (error) {
    if (error instanceof LabError) {
      console.error(`${error.code}: ${error.message}\n  try: ${error.advice}`);
    } else if (error instanceof KennelError) {
      console.error(formatProblem(error.problem));
    } else {
      throw error;
    }
    process.exitCode = 1;
  }
}
