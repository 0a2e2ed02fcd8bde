import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { conformanceDrivers, type DriverName, type TestRun } from './conformance-drivers.ts';

/*
 * npm run store:conformance -- --driver memory|file|etcd [--members 1|3] [--faults] [--json FILE]
 *
 * Runs the store conformance suite on one driver, with `--faults` also what the driver does under
 * faults, and says what passed. Ends with 1 when a case failed or none ran, with 64 for bad words.
 */

interface Case {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly ms: number;
  readonly error: string | null;
}

interface Report {
  readonly driver: DriverName;
  readonly members: number;
  readonly faults: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cases: readonly Case[];
}

/** The part of vitest's JSON report that is read. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly duration?: number | null;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      driver: { type: 'string' },
      members: { type: 'string', default: '1' },
      faults: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const names = Object.keys(conformanceDrivers) as DriverName[];
  const name = names.find((one) => one === values.driver);
  if (name === undefined) return usage(`--driver takes one of ${names.join(', ')}`);
  const driver = conformanceDrivers[name];
  const members = Number(values.members);
  if (!driver.members.includes(members)) {
    return usage(`--members of ${name} takes ${driver.members.join(' or ')}`);
  }
  const runs = [...driver.suite(members), ...(values.faults ? driver.faults(members) : [])];
  const cases: Case[] = [];
  for (const run of runs) cases.push(...(await casesOf(run)));
  const count = (state: Case['state']): number => cases.filter((one) => one.state === state).length;
  const report: Report = {
    driver: name,
    members,
    faults: values.faults,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    cases,
  };
  for (const { name: label, state, error } of cases) {
    if (state !== 'passed') console.log(`${state}: ${label}${error === null ? '' : `\n${error}`}`);
  }
  const { passed, failed, skipped } = report;
  const what = `${name}, members ${members}, ${values.faults ? 'with' : 'without'} faults`;
  console.log(`${what}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return failed === 0 && passed > 0 ? 0 : 1;
}

function usage(text: string): number {
  console.error(text);
  return 64;
}

/** Cases that the name filter left out are none of this run's. */
async function casesOf({ project, file, only }: TestRun): Promise<readonly Case[]> {
  const directory = await mkdtemp(join(tmpdir(), 'kennel-conformance-'));
  const output = join(directory, 'report.json');
  try {
    const words = ['run', '--project', project, file, '--reporter', 'json'];
    if (only !== undefined) words.push('--testNamePattern', only);
    await vitest([...words, '--outputFile', output]);
    const report = JSON.parse(await readFile(output, 'utf8')) as VitestReport;
    return report.testResults.flatMap((result) => [
      ...result.assertionResults
        .filter(({ fullName }) => only === undefined || fullName.includes(only))
        .map((one): Case => {
          return {
            name: one.fullName,
            state: one.status === 'passed' || one.status === 'failed' ? one.status : 'skipped',
            ms: Math.round(one.duration ?? 0),
            error: one.failureMessages?.[0] ?? null,
          };
        }),
      // A file that could not even be loaded, or whose setup failed, has no case to say so.
      ...(result.status === 'failed' && result.message !== ''
        ? [{ name: file, state: 'failed' as const, ms: 0, error: result.message }]
        : []),
    ]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Resolves when vitest has ended, however: its report tells. */
async function vitest(words: readonly string[]): Promise<void> {
  const program = join(import.meta.dirname, '..', '..', 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [program, ...words], {
    cwd: join(import.meta.dirname, '..', '..'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pass = (signal: NodeJS.Signals) => () => child.kill(signal);
  const [onInterrupt, onTerminate] = [pass('SIGINT'), pass('SIGTERM')];
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', () => resolve());
    });
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  }
}

process.exitCode = await main();
