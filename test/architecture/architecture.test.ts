import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsIn, importsOf, sourceFiles, type Import } from './imports.ts';
import { neverImported, rules, type Rule } from './rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['src', 'agent', 'fencing', 'chaos', 'deploy'];
const isTest = (file: string): boolean =>
  file.endsWith('.test.ts') || file.includes('/testing/') || file.includes('test-');
const files = folders
  .flatMap((folder) => sourceFiles(root, folder))
  .filter((file) => !isTest(file));

const within = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

function ruleFor(file: string): Rule | undefined {
  return rules.filter((rule) => within(file, rule.of)).sort((a, b) => b.of.length - a.of.length)[0];
}

function isAllowed(rule: Rule, one: Import): boolean {
  if (one.isPackage) return rule.packages.includes('*') || rule.packages.includes(one.target);
  return within(one.target, rule.of) || rule.mayImport.some((folder) => within(one.target, folder));
}

describe('the dependency rule', () => {
  it('sees the files it judges', () => {
    expect(files.length).toBeGreaterThan(100);
    for (const folder of ['src/core', 'src/manager', 'src/store', 'agent', 'fencing', 'chaos']) {
      expect(files.filter((file) => within(file, folder)).length).toBeGreaterThan(3);
    }
  });

  it('sees imports in every form', () => {
    const text = `import a from 'a';\nimport type { B } from "./b.ts";\nexport { c } from './c.ts';\nimport 'd';\nconst e = await import('e');\nimport {\n  f,\n} from 'f';`;
    expect(importsIn(text).map((one) => one.target)).toEqual([
      'a',
      './b.ts',
      './c.ts',
      'd',
      'e',
      'f',
    ]);
  });

  it('has a rule for every file', () => {
    expect(files.filter((file) => ruleFor(file) === undefined)).toEqual([]);
  });

  it.each(rules.map((rule) => [rule.of, rule] as const))(
    '%s imports only what it may',
    (_, rule) => {
      const judged = files.filter((file) => ruleFor(file) === rule);
      const broken = judged
        .flatMap((file) => importsOf(root, file))
        .filter((one) => !isAllowed(rule, one))
        .map((one) => `${one.file} imports ${one.target}, but ${rule.because}`);
      expect(broken).toEqual([]);
    },
  );

  it.each(neverImported.map((one) => [one.folder, one.because]))(
    'nothing imports %s',
    (folder, because) => {
      const broken = files
        .flatMap((file) => importsOf(root, file))
        .filter((one) => !one.isPackage && within(one.target, folder))
        .map((one) => `${one.file} imports ${one.target}, but ${because}`);
      expect(broken).toEqual([]);
    },
  );

  it('nothing that ships imports chaos, except the lab’s own tools', () => {
    const broken = files
      .filter((file) => !within(file, 'chaos') && !within(file, 'deploy'))
      .flatMap((file) => importsOf(root, file))
      .filter((one) => !one.isPackage && within(one.target, 'chaos'));
    expect(broken).toEqual([]);
  });
});

describe('time, chance and processes', () => {
  const reachesOut =
    /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|process\.hrtime|os\.uptime)\b/;
  const allowed = ['src/env/real', 'src/cli', 'deploy', 'chaos', 'src/pki'];

  it('come through Env alone', () => {
    const broken = files
      .filter((file) => !allowed.some((folder) => within(file, folder)))
      .filter((file) => reachesOut.test(withoutComments(readFileSync(join(root, file), 'utf8'))));
    expect(broken).toEqual([]);
  });

  it('are found where they are used', () => {
    expect(reachesOut.test('setTimeout(run, 5)')).toBe(true);
    const users = files.filter((file) => reachesOut.test(readFileSync(join(root, file), 'utf8')));
    expect(users.some((file) => within(file, 'src/env/real'))).toBe(true);
  });
});

describe('files', () => {
  it('are no junk drawers', () => {
    const junk = /(^|\/)(utils?|helpers?|misc|common|index)\.ts$/;
    expect(files.filter((file) => junk.test(file))).toEqual([]);
  });

  it('have one subject: none is above 500 lines', () => {
    const long = files.filter(
      (file) => readFileSync(join(root, file), 'utf8').split('\n').length > 500,
    );
    expect(long).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '');
}
