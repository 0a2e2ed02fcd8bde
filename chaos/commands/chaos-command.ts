import { Command } from 'commander';
import { scenarioCommand } from '../scenarios/command.ts';
import { coverageCommand } from './coverage-command.ts';
import { mutantsCommand } from './mutants-command.ts';
import { reportCommand } from './report-command.ts';
import { simCommand } from './sim-command.ts';

/** `kennel chaos`: looks for runs in which the promises do not hold. */
export function chaosCommand(): Command {
  return new Command('chaos')
    .description('break a simulated cluster on purpose and check that no rule is broken')
    .addCommand(simCommand())
    .addCommand(mutantsCommand())
    .addCommand(scenarioCommand())
    .addCommand(coverageCommand())
    .addCommand(reportCommand());
}
