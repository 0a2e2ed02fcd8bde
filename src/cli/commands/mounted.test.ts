import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { mountCommand } from './mounted.ts';

function directoryWith(source: string | null): URL {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-lab-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  if (source !== null) writeFileSync(join(directory, 'commands.ts'), source);
  return pathToFileURL(`${directory}/`);
}

test('a missing lab is a problem that says so', async () => {
  await expect(
    mountCommand(new URL('commands', directoryWith(null)), 'lab', 'labCommand'),
  ).rejects.toMatchObject({
    problem: { code: 'E_PREREQUISITE', what: 'kennel lab is not part of this installation' },
  });
});

test('a lab without its command is taken for missing', async () => {
  const directory = directoryWith('export const somethingElse = 1;');
  await expect(
    mountCommand(new URL('commands', directory), 'lab', 'labCommand'),
  ).rejects.toMatchObject({ problem: { code: 'E_PREREQUISITE' } });
});

test('a fault inside the lab is not taken for its absence', async () => {
  const directory = directoryWith("import './not-there.ts';\nexport const labCommand = 1;");
  await expect(
    mountCommand(new URL('commands', directory), 'lab', 'labCommand'),
  ).rejects.not.toMatchObject({ name: 'KennelError' });
});

test('the command of the lab is mounted as it is', async () => {
  const directory = directoryWith("export const labCommand = () => ({ marker: 'lab' });");
  expect(await mountCommand(new URL('commands', directory), 'lab', 'labCommand')).toEqual({
    marker: 'lab',
  });
});
