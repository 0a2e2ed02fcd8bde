import type { FailoverView } from '../../src/api/schema/views.ts';
import { median, percentile } from './statistics.ts';

/**
 * One repetition. The fields and their meaning are those of the Pacemaker bench, so that both can
 * be put into one table. Times are seconds after the crash; null = not seen.
 */
export interface Measurement {
  readonly product: 'kennel';
  readonly version: string;
  /** Detection profile. */
  readonly label: string;
  readonly agent: 'process';
  readonly nodes: number;
  readonly N: number;
  readonly rep: number;
  readonly bmc_delay_ms: number;
  /** How long Off had to be read before it counted. */
  readonly settle_ms: number;
  /** `power`: the node lost power. `cut`: its cable was pulled; it ran on until it was fenced. */
  readonly crash: 'power' | 'cut';
  readonly victim: string;
  /** Node of the leader. */
  readonly dc: string;
  /** Load average over one minute, just before the crash. */
  readonly load: number;
  /** Last heartbeat, before the crash: negative. */
  readonly last_seen: number | null;
  /** First channel silent. The one channel there is tells by the decision itself. */
  readonly token_lost: number | null;
  /** The leader decided that the node is to be fenced. */
  readonly membership: number | null;
  readonly pcmk_lost: null;
  /** The fence intent was committed. */
  readonly fence_decided: number | null;
  /** The BMC was asked to power off; null when it read Off already, and nobody had to ask. */
  readonly bmc_req: number | null;
  readonly bmc_off: number | null;
  /** The first Off that was read. */
  readonly first_off: number | null;
  /** The proof was committed. */
  readonly fence_done: number | null;
  readonly proof: string;
  readonly off_readings: number;
  readonly off_span_ms: number;
  readonly started: number;
  /** Start times, written by the started process itself. */
  readonly first: number | null;
  readonly median: number | null;
  readonly p99: number | null;
  readonly last: number | null;
  /** The same by the failover record. */
  readonly log_started: number;
  readonly log_median: number | null;
  readonly log_last: number | null;
}

export interface Evidence {
  /** Epoch ms. */
  readonly crashMs: number;
  readonly victim: string;
  /** Written by the VMs: `<epoch seconds> START|STOP <vm> <node>`. */
  readonly events: string;
  readonly bmcLog: string;
  /** JSON lines. */
  readonly managerLog: string;
  readonly failover: FailoverView;
}

export type Inputs = Pick<
  Measurement,
  | 'version'
  | 'label'
  | 'nodes'
  | 'N'
  | 'rep'
  | 'bmc_delay_ms'
  | 'settle_ms'
  | 'crash'
  | 'victim'
  | 'dc'
  | 'load'
>;

/** Makes one repetition's record out of what it left. */
export function measure(inputs: Inputs, evidence: Evidence): Measurement {
  const { crashMs, failover } = evidence;
  const since = (atMs: number): number => Math.round(atMs - crashMs) / 1000;
  const sinceIso = (iso: string | null): number | null =>
    iso === null ? null : since(Date.parse(iso));
  const starts = startsElsewhere(evidence).map((start) => since(start.atMs));
  const logged = failover.vms.flatMap(({ startedAt }) => sinceIso(startedAt) ?? []);
  const committed = (code: string): number | null => {
    const atMs = loggedAt(evidence, code);
    return atMs === null ? null : since(atMs);
  };
  const asked = (word: string): number | null => {
    const line = linesSince(evidence.bmcLog, crashMs).find(({ words }) => words[0] === word);
    return line === undefined ? null : since(line.atMs);
  };
  return {
    product: 'kennel',
    ...inputs,
    agent: 'process',
    last_seen: sinceIso(failover.lastSeenAt),
    token_lost: null,
    membership: sinceIso(failover.detectedAt),
    pcmk_lost: null,
    fence_decided: committed('FENCE_INTENT'),
    bmc_req: asked('REQ'),
    bmc_off: asked('OK'),
    first_off: sinceIso(failover.firstOffAt),
    fence_done: committed('NODE_FENCED'),
    ...proofOf(failover),
    started: starts.length,
    first: starts[0] ?? null,
    median: median(starts),
    p99: percentile(starts, 0.99),
    last: starts.at(-1) ?? null,
    log_started: logged.length,
    log_median: median(logged),
    log_last: logged.length === 0 ? null : Math.max(...logged),
  };
}

/** Starts on other nodes than the victim since the crash, in order of time. */
export function startsElsewhere(
  evidence: Pick<Evidence, 'events' | 'crashMs' | 'victim'>,
): readonly { readonly atMs: number; readonly vm: string }[] {
  return linesSince(evidence.events, evidence.crashMs)
    .flatMap(({ atMs, words: [what, vm, node] }) =>
      what === 'START' && vm !== undefined && node !== evidence.victim ? [{ atMs, vm }] : [],
    )
    .sort((a, b) => a.atMs - b.atMs);
}

/**
 * What must be so for a repetition to count: every VM started elsewhere once, after the proof that was
 * to be measured, really taken. Sentences; empty = all is well.
 */
export function defectsOf(
  measurement: Measurement,
  evidence: Evidence,
  wanted: 'powerOff' | 'selfFence' = 'powerOff',
): readonly string[] {
  const { N, started, proof, off_readings, off_span_ms, settle_ms, first } = measurement;
  const defects: string[] = [];
  const distinct = new Set(startsElsewhere(evidence).map((start) => start.vm)).size;
  if (started !== N || distinct !== N)
    defects.push(`${started} starts of ${distinct} VMs, not ${N}`);
  if (evidence.failover.outcome !== 'completed') defects.push('the failover was not completed');
  if (proof !== wanted) defects.push(`the proof is ${proof}, not ${wanted}`);
  if (wanted === 'powerOff') {
    if (off_readings < 3) defects.push(`only ${off_readings} readings of Off`);
    if (off_span_ms < settle_ms) defects.push(`Off was read over ${off_span_ms} ms only`);
  }
  const others = intentsAgainstOthers(evidence);
  if (others.length > 0) defects.push(`${others.join(', ')} was to be fenced as well`);
  const provenAt = evidence.failover.provenAt;
  const proven = provenAt === null ? null : (Date.parse(provenAt) - evidence.crashMs) / 1000;
  if (proven === null || first === null || first < proven) {
    defects.push(`a VM started at ${first} s, before the proof at ${proven} s`);
  }
  return defects;
}

function proofOf(
  failover: FailoverView,
): Pick<Measurement, 'proof' | 'off_readings' | 'off_span_ms'> {
  const { proof } = failover;
  if (proof === null) return { proof: 'none', off_readings: 0, off_span_ms: 0 };
  const devices = (proof['devices'] ?? []) as readonly {
    readonly readings: readonly { readonly atMs: number }[];
  }[];
  const times = devices.flatMap(({ readings }) => readings.map(({ atMs }) => atMs));
  return {
    proof: proof.kind,
    off_readings: times.length,
    off_span_ms: times.length === 0 ? 0 : Math.round(Math.max(...times) - Math.min(...times)),
  };
}

/** When the manager logged, after its commit, the first such event of the victim. */
function loggedAt(evidence: Evidence, code: string): number | null {
  const logged = eventsLogged(evidence, code).find((event) => event.node === evidence.victim);
  return logged?.atMs ?? null;
}

function intentsAgainstOthers(evidence: Evidence): readonly string[] {
  const nodes = eventsLogged(evidence, 'FENCE_INTENT').map((event) => event.node);
  return nodes.filter((node) => node !== evidence.victim);
}

function eventsLogged(
  { managerLog, crashMs }: Evidence,
  code: string,
): readonly { readonly atMs: number; readonly node: string }[] {
  return managerLog.split('\n').flatMap((line) => {
    if (!line.includes(`"${code}"`)) return [];
    const entry = JSON.parse(line) as {
      readonly time: string;
      readonly code?: string;
      readonly node?: string;
    };
    const atMs = Date.parse(entry.time);
    const counts = entry.code === code && atMs >= crashMs;
    return counts ? [{ atMs, node: entry.node ?? '' }] : [];
  });
}

interface Line {
  readonly atMs: number;
  readonly words: readonly string[];
}

/** Lines that begin with epoch seconds, no older than `sinceMs`. */
function linesSince(text: string, sinceMs: number): readonly Line[] {
  return text.split('\n').flatMap((line) => {
    const [at = '', ...words] = line.trim().split(' ');
    const atMs = Number(at) * 1000;
    return at !== '' && atMs >= sinceMs ? [{ atMs, words }] : [];
  });
}
