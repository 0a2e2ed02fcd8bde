import { Command } from 'commander';
import { ruleCheckCommand } from '../scenarios/rule-check-command.ts';
import { scenarioCommand } from '../scenarios/command.ts';
import { coverageCommand } from './coverage-command.ts';
import { mutantsCommand } from './mutants-command.ts';
import { realCommand } from './real-command.ts';
import { reportCommand } from './report-command.ts';
import { simCommand } from './sim-command.ts';

/** `kennel chaos`: looks for runs in which the promises do not hold. */
export function chaosCommand(): Command {
  return new Command('chaos')
    .description('break a cluster on purpose, simulated or real, and check that no rule is broken')
    .addCommand(simCommand())
    .addCommand(mutantsCommand())
    .addCommand(scenarioCommand())
    .addCommand(ruleCheckCommand())
    .addCommand(realCommand())
    .addCommand(coverageCommand())
    .addCommand(reportCommand());
}
