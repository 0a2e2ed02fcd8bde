import { HashChain, textHash32 } from '../sim/hash-chain.ts';
import { addRecoveries, histogramsOf } from './recovery-times.ts';
import type { RecoveryCounts, RecoveryHistogram } from './recovery-times.ts';
import type { SeedResult } from './run-scenario.ts';
import { required } from './sometimes.ts';

export interface CampaignViolation {
  readonly seed: number;
  readonly checker: string;
  readonly message: string;
  /** The command that plays it again. */
  readonly replay: string;
}

/** What `--json` writes. */
export interface CampaignReport {
  readonly seeds: number;
  /** Equal for two campaigns over the same seeds of the same code, however they were split up. */
  readonly hash: string;
  readonly failovers: number;
  readonly events: number;
  readonly clusterHoursPerCpuSecond: number;
  readonly violations: readonly CampaignViolation[];
  /** How often each rare state was reached; 0 = a campaign of enough seeds fails on it. */
  readonly sometimes: Readonly<Record<string, number>>;
  /** How long failovers took, by proof and step. */
  readonly recovery: readonly RecoveryHistogram[];
}

/** What one worker counts; any two can be added in any order. */
export interface Tally {
  readonly seeds: number;
  readonly hash: string;
  readonly failovers: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly cpuMs: number;
  readonly sometimes: Readonly<Record<string, number>>;
  readonly recovery: RecoveryCounts;
}

export const noTally: Tally = {
  seeds: 0,
  hash: '0000000000000000',
  failovers: 0,
  events: 0,
  virtualMs: 0,
  cpuMs: 0,
  sometimes: {},
  recovery: {},
};

export function tallyOf(result: SeedResult, cpuMs: number): Tally {
  return {
    seeds: 1,
    hash: seedHash(result.seed, result.hash),
    failovers: result.failovers,
    events: result.events,
    virtualMs: Math.round(result.virtualMs),
    cpuMs,
    sometimes: result.sometimes,
    recovery: result.recovery,
  };
}

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    seeds: a.seeds + b.seeds,
    hash: xorHex(a.hash, b.hash),
    failovers: a.failovers + b.failovers,
    events: a.events + b.events,
    virtualMs: a.virtualMs + b.virtualMs,
    cpuMs: a.cpuMs + b.cpuMs,
    sometimes: addCounts(a.sometimes, b.sometimes),
    recovery: addRecoveries(a.recovery, b.recovery),
  };
}

export function reportOf(tally: Tally, violations: readonly CampaignViolation[]): CampaignReport {
  const hours = tally.virtualMs / 3_600_000;
  const unreached = Object.fromEntries(required.map((name) => [name, 0]));
  return {
    seeds: tally.seeds,
    hash: tally.hash,
    failovers: tally.failovers,
    events: tally.events,
    clusterHoursPerCpuSecond: tally.cpuMs === 0 ? 0 : rounded(hours / (tally.cpuMs / 1000)),
    violations: [...violations].sort((a, b) => a.seed - b.seed),
    sometimes: sorted({ ...unreached, ...tally.sometimes }),
    recovery: histogramsOf(tally.recovery),
  };
}

/** Rare states that were never reached: what was never reached was never tested. */
export function neverReached(report: CampaignReport): readonly string[] {
  return Object.entries(report.sometimes)
    .filter(([, count]) => count === 0)
    .map(([name]) => name);
}

/** The seed is part of it: two runs that happen to be equal must not cancel each other. */
function seedHash(seed: number, hash: string): string {
  const chain = new HashChain();
  chain.mixWide(seed);
  chain.mix(textHash32(hash.slice(0, 8)));
  chain.mix(textHash32(hash.slice(8)));
  return chain.text();
}

function xorHex(a: string, b: string): string {
  return (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(16).padStart(16, '0');
}

function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function sorted(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
