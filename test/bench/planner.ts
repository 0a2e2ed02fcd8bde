import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { snapshotOfHtools } from '../../src/cli/plan/htools-text.ts';
import { whatIfNodesFail } from '../../src/core/placement/what-if.ts';
import { wholeNumber } from './failover-options.ts';
import { generatedSite } from './planner/generated-site.ts';
import { Hbal } from './planner/hbal.ts';
import { afterPlan, measurePlanning, type Planning, type Size } from './planner/planning.ts';
import { runMain } from './run-main.ts';

const usage = `usage: npm run bench:planner -- [options]
  --rounds N          plans of each size that are timed (default 21)
  --hbal-seconds N    longest run of hbal for one size (default 60)
  --json FILE         write {results: [...]} there`;

const sizes: readonly Size[] = [
  { nodes: 32, vms: 1000, lost: 1 },
  { nodes: 64, vms: 2000, lost: 1 },
  { nodes: 1000, vms: 50_000, lost: 1 },
  { nodes: 1000, vms: 50_000, lost: 40 },
];

/** hbal looks at every move of every VM: on sites above this it takes hours. */
const maxHbalVms = 2000;

interface Result extends Planning {
  /** Cluster score by htools after our plan; null without htools. Lower is better. */
  readonly scoreOurs: number | null;
  readonly scoreHbal: number | null;
  readonly hbalMs: number | null;
  readonly hbalMoves: number | null;
  readonly load: number;
}

/**
 * How long the loss of nodes takes to plan, each size in a process of its own, beside Ganeti's
 * `hbal -E` on the same site; hbal's own score judges both plans.
 */
async function main(options: ReturnType<typeof parse>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-planner-'));
  try {
    const hbal = Hbal.find(directory);
    if (hbal === null) console.log('hbal is not installed (ganeti-htools): no scores');
    const results = sizes.map((size) => resultOf(size, hbal, options));
    if (options.json !== null) {
      writeFileSync(options.json, `${JSON.stringify({ results }, null, 2)}\n`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function resultOf(size: Size, hbal: Hbal | null, options: ReturnType<typeof parse>): Result {
  const planning = inOwnProcess(size, options.rounds);
  const text = generatedSite(size.nodes, size.vms, size.lost);
  const snapshot = snapshotOfHtools(text);
  const lost = snapshot.nodes.slice(0, size.lost).map((node) => node.id);
  const run = size.vms <= maxHbalVms ? hbal?.evacuate(text, options.hbalSeconds * 1000) : null;
  const scoreOurs = hbal?.score(afterPlan(text, whatIfNodesFail(snapshot, lost))) ?? null;
  const result: Result = {
    ...planning,
    scoreOurs,
    scoreHbal: run?.score ?? null,
    hbalMs: run?.ms ?? null,
    hbalMoves: run?.moves ?? null,
    load: loadavg()[0] ?? 0,
  };
  console.log(lineOf(result));
  return result;
}

function inOwnProcess(size: Size, rounds: number): Planning {
  const args = [import.meta.filename, '--measure', JSON.stringify({ size, rounds })];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
  return JSON.parse(output) as Planning;
}

function lineOf(result: Result): string {
  const { nodes, vms, lost, medianMs, rssMiB, moved, homeless } = result;
  const score =
    result.scoreOurs === null
      ? ''
      : `, score ${result.scoreOurs}${result.scoreHbal === null ? '' : ` (hbal ${result.scoreHbal} in ${result.hbalMs} ms)`}`;
  return `${nodes} nodes, ${vms} VMs, ${lost} lost: ${medianMs} ms, ${rssMiB} MiB, ${moved} placed, ${homeless} without a node${score}`;
}

function parse(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string', default: '21' },
      'hbal-seconds': { type: 'string', default: '60' },
      json: { type: 'string' },
      measure: { type: 'string' },
    },
  });
  return {
    rounds: wholeNumber('--rounds', values.rounds, 1, 1000),
    hbalSeconds: wholeNumber('--hbal-seconds', values['hbal-seconds'], 1, 3600),
    json: values.json ?? null,
    measure: values.measure ?? null,
  };
}

await runMain({ usage, parse }, async (options) => {
  if (options.measure === null) return main(options);
  const { size, rounds } = JSON.parse(options.measure) as { size: Size; rounds: number };
  process.stdout.write(JSON.stringify(measurePlanning(size, rounds)));
});
