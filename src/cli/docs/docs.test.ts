import { expect, test } from 'vitest';
import { problemCodes } from '../../core/problem.ts';
import { commandTable } from '../command-table.ts';
import { errorGuidance } from './error-guidance.ts';
import { generatedPages, stalePages } from './generate.ts';
import { manPages } from './man-pages.ts';

test('docs/cli.md, docs/errors.md and docs/kubevirt.md are what the code says (node src/cli/docs/generate.ts --write)', async () => {
  expect(await stalePages()).toEqual([]);
});

test('every noun and verb of the table has its section', async () => {
  const [cli] = await generatedPages();
  const entries = await Promise.all(commandTable.map((row) => row.load()));
  const names = entries.flatMap((entry) =>
    entry.kind === 'noun' ? entry.verbs.map((verb) => `${entry.name} ${verb.name}`) : [entry.name],
  );
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) expect(cli?.text).toContain(`# kennel ${name}\n`);
});

test('every noun, and every verb without one, has a manual page that kennel(1) names', async () => {
  const pages = await manPages();
  const names = commandTable.map((row) => `kennel-${row.name}.1`);
  expect(pages.map((page) => page.file)).toEqual(['kennel.1', ...names]);
  const [overview] = pages;
  for (const name of commandTable.map((row) => row.name)) {
    expect(overview?.text).toContain(`.B "kennel\\-${name.replaceAll('-', '\\-')}(1)"`);
  }
});

test('what stands in a manual page is text or one of the macros we use', async () => {
  const macros = /^\.(TH|SH|SS|PP|TP|B|BR|EX|EE|nf|fi)( |$)/;
  for (const { file, text } of await manPages()) {
    const requests = text.split('\n').filter((line) => /^[.']/.test(line) && !macros.test(line));
    expect({ file, requests }).toEqual({ file, requests: [] });
    // Every escape is one that we wrote.
    expect({ file, escapes: text.match(/\\(?!e|-|&|fB|fR|\(dq)./g) }).toEqual({
      file,
      escapes: null,
    });
  }
});

test('every verb that changes the cluster takes the five options of changes', async () => {
  const entries = await Promise.all(commandTable.map((row) => row.load()));
  const verbs = entries.flatMap((entry) => (entry.kind === 'noun' ? entry.verbs : []));
  const changing = verbs.filter((verb) => 'dryRun' in verb.options);
  expect(changing.map((verb) => verb.name)).toEqual([
    'create',
    'edit',
    'start',
    'stop',
    'restart',
    'pause',
    'resume',
    'reset',
    'reboot',
    'snapshot',
    'rename',
    'clone',
    'disable',
    'ignore',
    'migrate',
    'relocate',
    'lock',
    'unlock',
    'forget',
    'delete',
    'adopt',
    'token',
    'cordon',
    'uncordon',
    'drain',
    'maintenance',
    'reboot',
    'shutdown',
    'fence',
    'confirm-off',
    'power-on',
    'label',
    'unquarantine',
    'remove',
    'add',
    'drill',
    'rm',
    'add',
    'rm',
    'set',
    'release',
    'add',
    'test',
    'rm',
    'set',
    'token',
    'replace',
    'remove',
  ]);
  for (const verb of changing) {
    const flags = Object.values(verb.options).map((option) => option.flags.split(' ')[0]);
    expect(flags).toEqual(expect.arrayContaining(['--dry-run', '--wait', '--timeout', '--reason']));
  }
});

test('the name of a row and of the entry it loads are the same', async () => {
  for (const row of commandTable) {
    const entry = await row.load();
    expect({ name: entry.name, summary: entry.summary }).toEqual({
      name: row.name,
      summary: row.summary,
    });
  }
});

test('every error code has facts and a step that resolves it', () => {
  for (const code of Object.keys(problemCodes) as (keyof typeof problemCodes)[]) {
    const { facts, try: steps } = errorGuidance[code];
    expect({ code, isExplained: facts.join('') !== '', isSolved: steps.length > 0 }).toEqual({
      code,
      isExplained: true,
      isSolved: true,
    });
  }
});
