import { resolve } from 'node:path';
import type { Verdict } from '../../verify/verify.ts';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { renderColumns } from '../render/columns.ts';
import type { Layout } from '../render/layout.ts';
import { usageError } from '../usage.ts';

/** Writes the records and what they rest on, to a file or to standard output. */
export async function exportFailovers(call: Call, file: string | null): Promise<number> {
  return withClient(call, async (client) => {
    const text = `${JSON.stringify(valueOf(await client.exportFailovers()), null, 1)}\n`;
    if (file === null) {
      call.world.terminal.write(text);
      return exitCodes.done;
    }
    const { disk } = await call.world.env();
    const path = resolve(call.world.workingDirectory, file);
    await disk.replace(path, new TextEncoder().encode(text), { mode: 0o600 });
    call.world.terminal.write(`written to ${path}\n`);
    return exitCodes.done;
  });
}

/** Checks records with code that the managers do not share; of a file no cluster is asked. */
export async function verifyFailovers(call: Call, file: string | null): Promise<number> {
  const given =
    file === null
      ? await withClient(call, async (client) => valueOf(await client.exportFailovers()))
      : await readExport(call, file);
  const { verifyExport } = await import('../../verify/verify.ts');
  const verdict = verifyExport(given);
  await print(call, verdict, (layout) => verdictText(verdict, layout));
  return isGood(verdict) ? exitCodes.done : exitCodes.failed;
}

async function readExport(call: Call, file: string): Promise<unknown> {
  const path = resolve(call.world.workingDirectory, file);
  const unusable = (because: string): Error =>
    usageError({
      what: `${path} is no export of failovers`,
      because,
      try: ['kennel failover export --output FILE'],
    });
  const { disk } = await call.world.env();
  const bytes = await disk.read(path);
  if (bytes === null) throw unusable('there is no such file');
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    throw unusable('it is not JSON');
  }
}

function isGood({ records, problems }: Verdict): boolean {
  return problems.length === 0 && records.every((record) => record.problems.length === 0);
}

function verdictText(verdict: Verdict, layout: Layout): string {
  const { records, problems } = verdict;
  const rows = records.map((record) => {
    const isSound = record.problems.length === 0;
    const said = [...record.problems, ...record.notes].join('; ');
    return [
      { text: record.id },
      { text: record.node },
      { text: record.outcome },
      { text: record.proof ?? '-' },
      {
        text: isSound ? 'sound' : 'BROKEN',
        paint: isSound ? layout.paint.good : layout.paint.critical,
      },
      { text: said === '' ? '-' : said },
    ];
  });
  const header = ['FAILOVER', 'NODE', 'OUTCOME', 'PROOF', 'VERDICT', 'WHY'];
  const lines = rows.length === 0 ? [] : renderColumns(header, rows, Infinity);
  lines.push(...problems.map((problem) => `! ${problem}`));
  const broken = records.filter((record) => record.problems.length > 0).length;
  lines.push(
    isGood(verdict)
      ? `${records.length} records: every proof holds by its evidence, the chain is whole`
      : `${records.length} records: ${broken} broken, ${problems.length} problems of the chain`,
  );
  return lines.join('\n');
}
