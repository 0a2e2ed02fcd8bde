import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumber } from './failover-options.ts';
import { untilInterrupted } from './interruption.ts';
import { spread, type Spread } from './statistics.ts';
import type { Load } from './store-load.ts';
import { runMain } from './run-main.ts';
import { openSite, type Loss, type StoreSite } from './store-sites.ts';

const usage = `usage: npm run bench:store -- [options]
  --rounds N        both stores are loaded in turn so often (default 3)
  --seconds N       length of one load (default 5)
  --failovers N     leaders killed, of each store (default 5)
  --json FILE       write the report there
  --directory DIR   work in a new directory below DIR, on a disk worth measuring (default /var/tmp)`;

const writerCounts = [1, 64] as const;
const tmpfsMagic = 0x01021994;

type StoreName = StoreSite['store'];

interface StoreReport {
  readonly loads: readonly (Load & { readonly round: number })[];
  readonly losses: readonly Loss[];
  readonly summary: {
    readonly perSecond: Readonly<Record<string, Spread | null>>;
    readonly p50Ms: Readonly<Record<string, Spread | null>>;
    readonly p99Ms: Readonly<Record<string, Spread | null>>;
    readonly electedMs: Spread | null;
    readonly writtenMs: Spread | null;
  };
}

/**
 * The managers' own store beside an etcd, three members each, on the same machine and disk in one
 * run, loaded in turn: only the ratio of the two says something. Each is driven as a manager drives
 * it: the own store in the process of the leading member, etcd by the driver over gRPC.
 */
async function main(options: ReturnType<typeof parse>): Promise<void> {
  const { rounds, seconds, failovers, json } = options;
  if (statfsSync(options.directory).type === tmpfsMagic) {
    console.log(`${options.directory} is in memory: syncs cost nothing there; use --directory`);
  }
  const signal = untilInterrupted();
  const directory = mkdtempSync(join(options.directory, 'kennel-bench-'));
  const sites: StoreSite[] = [];
  try {
    for (const store of ['raft', 'etcd'] as const) sites.push(await openSite[store](directory));
    const loads: (Load & { readonly store: StoreName; readonly round: number })[] = [];
    const losses: (Loss & { readonly store: StoreName })[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (const writers of writerCounts) {
        for (const site of round % 2 === 1 ? sites : sites.toReversed()) {
          signal.throwIfAborted();
          const load = await site.load(writers, seconds * 1000);
          loads.push({ store: site.store, round, ...load });
          console.log(`round ${round}  ${site.store}  ${JSON.stringify(load)}`);
        }
      }
    }
    for (let number = 1; number <= failovers; number += 1) {
      for (const site of sites) {
        signal.throwIfAborted();
        const loss = await site.loseLeader();
        losses.push({ store: site.store, ...loss });
        console.log(`loss ${number}  ${site.store}  ${JSON.stringify(loss)}`);
      }
    }
    const of = (store: StoreName): StoreReport =>
      reportOf(
        loads.filter((each) => each.store === store),
        losses.filter((each) => each.store === store),
      );
    const report = { load: loadavg()[0], seconds, raft: of('raft'), etcd: of('etcd') };
    if (json !== null) writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
    console.log(`\n${table(report.raft, report.etcd)}`);
  } finally {
    await Promise.all(sites.map((site) => site.close()));
    rmSync(directory, { recursive: true, force: true });
  }
}

function reportOf(
  loads: readonly (Load & { readonly round: number })[],
  losses: readonly Loss[],
): StoreReport {
  const by = (field: 'perSecond' | 'p50Ms' | 'p99Ms') =>
    Object.fromEntries(
      writerCounts.map((writers) => [
        String(writers),
        spread(loads.filter((each) => each.writers === writers).map((each) => each[field])),
      ]),
    );
  return {
    loads,
    losses,
    summary: {
      perSecond: by('perSecond'),
      p50Ms: by('p50Ms'),
      p99Ms: by('p99Ms'),
      electedMs: spread(losses.map((loss) => loss.electedMs)),
      writtenMs: spread(losses.map((loss) => loss.writtenMs)),
    },
  };
}

/** Markdown: medians over the rounds with their range, and the ratio of the medians. */
function table(raft: StoreReport, etcd: StoreReport): string {
  const rows: (readonly [string, Spread | null | undefined, Spread | null | undefined])[] = [];
  for (const writers of writerCounts) {
    for (const field of ['perSecond', 'p50Ms', 'p99Ms'] as const) {
      const name = { perSecond: 'writes/s', p50Ms: 'p50 ms', p99Ms: 'p99 ms' }[field];
      rows.push([
        `${writers} ${writers === 1 ? 'writer' : 'writers'}: ${name}`,
        raft.summary[field][String(writers)],
        etcd.summary[field][String(writers)],
      ]);
    }
  }
  rows.push(['leader killed: another leads, ms', raft.summary.electedMs, etcd.summary.electedMs]);
  rows.push(['leader killed: first write, ms', raft.summary.writtenMs, etcd.summary.writtenMs]);
  const cells = rows.map(([name, own, other]) => {
    const ratio = own == null || other == null ? '-' : (own.median / other.median).toFixed(2);
    return `| ${name} | ${cell(own)} | ${cell(other)} | ${ratio} |`;
  });
  return ['| | raft | etcd | raft/etcd |', '|---|---|---|---|', ...cells].join('\n');
}

function cell(value: Spread | null | undefined): string {
  return value == null ? '-' : `${value.median} (${value.min}-${value.max})`;
}

function parse(argv: readonly string[]) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      failovers: { type: 'string', default: '5' },
      json: { type: 'string' },
      directory: { type: 'string', default: '/var/tmp' },
    },
  });
  return {
    rounds: wholeNumber('--rounds', values.rounds, 1, 100),
    seconds: wholeNumber('--seconds', values.seconds, 1, 600),
    failovers: wholeNumber('--failovers', values.failovers, 0, 1000),
    json: values.json ?? null,
    directory: values.directory,
  };
}

await runMain({ usage, parse }, main);
