import type { FactKind, Violation } from '../checkers/history.ts';
import { listAt, objectAt, textAt, type Json, type JsonObject } from '../checkers/history.ts';
import type { PlannedFault } from './plan.ts';
import type { Watch } from './watch.ts';

/** A fault as it was really done: times from the campaign's start, ms. */
export interface DoneFault extends PlannedFault {
  /** Why it could not be done; absent = it was. */
  readonly failed?: string;
}

export interface RealFailover {
  readonly id: string;
  readonly node: string;
  readonly outcome: string;
  readonly proof: string | null;
  readonly vms: number;
  /** All from the last sign of life of the node, ms; null = it did not come to that. */
  readonly detectedMs: number | null;
  readonly provenMs: number | null;
  readonly lastStartMs: number | null;
}

/** What `kennel chaos real --json` writes. */
export interface RealReport {
  readonly seed: number;
  readonly minutes: number;
  readonly vms: number;
  readonly faults: readonly DoneFault[];
  readonly failovers: readonly RealFailover[];
  readonly violations: readonly Violation[];
  readonly checks: RealChecks;
  /** Set when nothing was run: what this machine lacks. */
  readonly skipped?: string;
}

/** How much there was to judge. A run in which these are small has shown little. */
export interface RealChecks {
  readonly facts: Readonly<Partial<Record<FactKind, number>>>;
  readonly commits: number;
  readonly looks: number;
  /** Longest time between two looks at processes and disks: nothing shorter was seen for certain. */
  readonly longestLookGapMs: number;
  readonly longestDiskGapMs: number;
  readonly diskReadings: number;
  /** Boots of guests that the disks show. */
  readonly writers: number;
  readonly calls: { readonly ok: number; readonly no: number; readonly unknown: number };
  /** Power commands that reached a BMC, and how often one took power from a running node. */
  readonly powerCommands: number;
  readonly powerCuts: number;
  /** Nodes that were power-cycled by hand, and VMs that were started so, to become well again. */
  readonly helped: readonly string[];
  /** From the end of the last fault until all was well again, ms; null = it never was. */
  readonly healedMs: number | null;
}

export const noChecks: RealChecks = {
  facts: {},
  commits: 0,
  looks: 0,
  longestLookGapMs: 0,
  longestDiskGapMs: 0,
  diskReadings: 0,
  writers: 0,
  calls: { ok: 0, no: 0, unknown: 0 },
  powerCommands: 0,
  powerCuts: 0,
  helped: [],
  healedMs: null,
};

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** What was judged on a lab since its watch began. */
export function checksOf({
  observer,
  client,
  site,
}: Watch): Omit<RealChecks, 'helped' | 'healedMs'> {
  const { lab } = site;
  const testimony = site.testimony();
  const { looks, longestGapMs, revision } = observer.summary();
  return {
    facts: Object.fromEntries(observer.facts),
    commits: revision,
    looks,
    longestLookGapMs: longestGapMs,
    longestDiskGapMs: Math.round(Math.max(0, ...testimony.map((one) => one.longestGapMs))),
    diskReadings: sum(testimony.map((one) => one.readings)),
    writers: sum(testimony.flatMap((one) => one.writers.map(({ writers }) => writers.length))),
    calls: { ...client.answers },
    powerCommands: sum(lab.nodes().map((node) => site.powerCommands(node).length)),
    powerCuts: sum(lab.nodes().map((node) => lab.powerCuts(node.number).length)),
  };
}

/** Failover records as they stand in the store. */
export function failoversIn(records: readonly { readonly value: string }[]): RealFailover[] {
  return records.map(({ value }) => failoverOf(JSON.parse(value) as JsonObject & Json));
}

function failoverOf(record: JsonObject): RealFailover {
  const since = Date.parse(textAt(record, 'lastSeenAt') ?? textAt(record, 'detectedAt') ?? '');
  const after = (text: string | null): number | null =>
    text === null ? null : Date.parse(text) - since;
  const vms = listAt(record, 'vms');
  const starts = vms.flatMap((vm) => after(textAt(vm, 'startedAt')) ?? []);
  const proof = objectAt(record, 'proof');
  return {
    id: textAt(record, 'id') ?? '',
    node: textAt(record, 'node') ?? '',
    outcome: textAt(record, 'outcome') ?? '',
    proof: proof === null ? null : textAt(proof, 'kind'),
    vms: vms.length,
    detectedMs: after(textAt(record, 'detectedAt')),
    provenMs: after(textAt(record, 'provenAt')),
    lastStartMs: starts.length === 0 ? null : Math.max(...starts),
  };
}
