import { basename } from 'node:path';
import { Command } from 'commander';
import { KennelError } from '../../src/errors/kennel-error.ts';
import { checkRuleFile } from './rule-check.ts';
import { readText, writeText } from './text-files.ts';

/**
 * `rule-check FILE…`: what the product makes of rules, beside what `ha-rule-check/1` files say. Exit
 * code 0 when all agree, else 1; throws `KennelError` for a file that cannot be read.
 */
export function ruleCheckCommand(): Command {
  return new Command('rule-check')
    .summary('compare what becomes of placement rules with ha-rule-check/1 files')
    .description(
      'Which rules contradict each other, and what follows from those that stand: what the product ' +
        'decides when a rule is written, beside what each file says.',
    )
    .argument('[files...]', 'rule-check files, JSON')
    .option('--json <file>', 'write {results: [{id, verdict, reasons}]} there; - = stdout')
    .action((files: string[], flags: { readonly json?: string }) => {
      if (files.length === 0) throw noFiles();
      const results = files.map((file) =>
        checkRuleFile(basename(file, '.json'), readText(file, 'no rule was checked')),
      );
      const say = flags.json === '-' ? console.error : console.log;
      for (const { id, verdict, reasons } of results) {
        say(`${verdict.padEnd(8)} ${id}`);
        for (const reason of reasons) say(`           ${reason}`);
      }
      const failed = results.filter((one) => one.verdict === 'fail').length;
      say(`${results.length - failed} passed, ${failed} failed`);
      const json = `${JSON.stringify({ results }, null, 2)}\n`;
      if (flags.json === '-') process.stdout.write(json);
      else if (flags.json !== undefined) writeText(flags.json, json);
      if (failed > 0) process.exitCode = 1;
    });
}

function noFiles(): KennelError {
  return new KennelError({
    code: 'E_USAGE',
    what: 'no file was named',
    because: 'the command takes one file or more',
    so: 'no rule was checked',
    try: ['kennel chaos rule-check rules/*.json'],
  });
}
