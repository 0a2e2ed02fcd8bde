import type { Violation } from '../checkers/history.ts';
import { SimCluster } from '../sim/cluster.ts';
import type { VirtualTime } from '../sim/virtual-time.ts';
import { everyChecker } from './every-checker.ts';
import { Client } from './client.ts';
import { Injector } from './injector.ts';
import { scheduleLocks } from './locks.ts';
import { scheduleSnapshots } from './snapshots.ts';
import { scheduleMaintenance } from './maintenance.ts';
import type { Oracles } from './oracles.ts';
import { Operator } from './operator.ts';
import { Recorder } from './recorder.ts';
import type { RecoveryCounts } from './recovery-times.ts';
import { profiles, type FaultProfile, type ProfileName } from './profiles.ts';
import type { Scenario } from './scenario.ts';
import { Sometimes } from './sometimes.ts';
import { Stage } from './stage.ts';
import { TwoLeaders } from './two-leaders.ts';
import { StoreProbe } from './store-probe.ts';
import { WatchProbe } from './watch-probe.ts';

export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  /** Virtual time, ms. */
  readonly virtualMs: number;
  readonly failovers: number;
  readonly violations: readonly Violation[];
  readonly sometimes: Readonly<Record<string, number>>;
  readonly recovery: RecoveryCounts;
  /** The last log lines; empty unless asked for. */
  readonly log: readonly string[];
}

export interface RunOptions {
  /** Keep the log lines of a run that broke a rule. */
  readonly withLog?: boolean;
  /** Gets each step of consensus, where the managers replicate the store. */
  readonly onRaftStep?: (event: object) => void;
}

/** Everything that was wanted runs within this time after everything was healed, ms. */
const convergeWithinMs = 240_000;
/** What converged must stay so for this long, ms. */
const stayMs = 5000;
/** Between two looks at whether everything has come to rest, ms. */
const sampleMs = 200;
/** Clock rates differ by less than this share, or leases are not what they seem (DESIGN §2.5). */
const promisedDrift = 0.01;
/** Between two looks of the operator, ms. */
const lookMs = 1000;
/** A cluster of this size never has so much to do between two looks: something goes round in circles. */
const eventsPerLook = 50_000;

/** Runs one scenario until its end, or until a rule is broken. The same scenario gives the same run. */
export async function runScenario(
  scenario: Scenario,
  options: RunOptions = {},
): Promise<SeedResult> {
  const sometimes = new Sometimes();
  const recorder = new Recorder(everyChecker(), sometimes);
  const cluster = new SimCluster({
    seed: scenario.seed,
    managers: scenario.managers,
    nodes: scenario.nodes,
    store: scenario.store,
    joining: scenario.joining,
    hasWitness: scenario.hasWitness,
    detection: scenario.detection,
    levelBudgetMs: scenario.levelBudgetMs,
    storeLeaseMs: scenario.storeLeaseMs,
    storeLatencyMs: scenario.storeLatencyMs,
    bootMs: scenario.bootMs,
    declareCapacity: true,
    agentRestartMs: scenario.agentRestartMs,
    managerRestartMs: scenario.managerRestartMs,
    watchdogs: scenario.watchdogs,
    guard: false,
    isolation: 'reference',
    taps: tapsOf(recorder, options),
  });
  for (const { name, machine } of [...cluster.nodes, ...cluster.managers]) {
    machine.clock.setRate(rateOf(scenario, name));
  }
  recorder.watch(cluster);
  const names = cluster.managers.map(({ name }) => name);
  const strange = names.filter((name) => Math.abs(rateOf(scenario, name) - 1) > promisedDrift);
  // A clock outside the promised bound may take its own time for longer than it is; members of a
  // replicated store count on each other's.
  const isShared = scenario.store === 'raft' && strange.length > 0;
  for (const name of isShared ? names : strange) recorder.fooled(name);
  const { time } = cluster.world;
  try {
    await cluster.start();
    const probe = new StoreProbe(cluster, cluster.world.random.split('probe'));
    probe.start();
    new WatchProbe(
      cluster,
      { recorder, sometimes },
      cluster.world.random.split('watch probe'),
    ).start();
    await play(scenario, cluster, { recorder, sometimes });
    for (const key of probe.broken()) {
      recorder.violated(
        'linearizable',
        `no order of its operations explains what clients saw of ${key}`,
      );
    }
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    recorder.violated('crash', text);
  }
  const { harmless }: FaultProfile = profiles[scenario.profile as ProfileName];
  if (harmless === true) {
    for (const { key, value } of cluster.store.machine.list('fence/')) {
      if (/"phase":"(acting|proven|closed)"/.test(value)) {
        recorder.violated('falseFence', `${key} though no node died and no link stayed away`);
      }
    }
  }
  sometimes.network(cluster.world.network.counters);
  const failovers = cluster.store.machine
    .list('failover/')
    .filter((item) => item.value.includes('"outcome":"completed"')).length;
  return {
    seed: scenario.seed,
    hash: time.hash(),
    events: time.executed,
    virtualMs: time.nowMs,
    failovers,
    violations: recorder.violations,
    sometimes: Object.fromEntries(sometimes.counts),
    recovery: recorder.recovery.counts(),
    log: options.withLog === true ? cluster.world.log.lines('info') : [],
  };
}

function tapsOf({ taps }: Recorder, { onRaftStep }: RunOptions): Recorder['taps'] {
  return onRaftStep === undefined ? taps : { ...taps, raftTrace: onRaftStep };
}

async function play(scenario: Scenario, cluster: SimCluster, oracles: Oracles): Promise<void> {
  const { recorder } = oracles;
  const { time } = cluster.world;
  const stage = new Stage(cluster);
  const client = new Client(stage, recorder, scenario, cluster.world.random.split('client'));
  const injector = new Injector(stage, oracles);
  const operator = new Operator({ stage, recorder, client, afterMs: scenario.operatorMs });
  client.schedule(scenario.workload);
  if (scenario.selfMoves === true) client.scheduleRules();
  injector.schedule(scenario.faults);
  scheduleLocks(scenario.locks ?? [], { stage, client });
  scheduleSnapshots(scenario.snapshots ?? [], { stage, client });
  scheduleMaintenance(scenario.maintenance, { stage, client });
  const twoLeaders = new TwoLeaders(stage, oracles);
  if (scenario.twoLeaders) twoLeaders.start();
  let looked = time.executed;
  const look = (): void => {
    looked = time.executed;
    operator.look();
    time.schedule(lookMs, look, label);
  };
  const label = time.label('operator');
  look();
  const broken = (): boolean => {
    if (time.executed - looked > eventsPerLook) recorder.violated('busy', whatGoesRound(time));
    return recorder.poll();
  };
  if (await time.runUntil(broken, scenario.faultsMs - time.nowMs)) return;
  if (scenario.mode === 'safety') return;
  twoLeaders.stop();
  injector.healAll();
  operator.repair();
  const lastMs = time.nowMs + convergeWithinMs;
  let restSinceMs: number | null = null;
  for (;;) {
    if (await time.runUntil(broken, sampleMs)) return;
    // A sample of a fixed grid: asking after every event would be a quarter of the whole run.
    restSinceMs = operator.isConverged() ? (restSinceMs ?? time.nowMs) : null;
    if (restSinceMs !== null && time.nowMs - restSinceMs >= stayMs) return;
    if (restSinceMs === null && time.nowMs >= lastMs) {
      recorder.violated('liveness', operator.whatIsMissing().join('; '));
      return;
    }
  }
}

/** By name, what the last events were. */
function whatGoesRound(time: VirtualTime): string {
  const counts = new Map<string, number>();
  for (const { label } of time.trace()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3);
  return `more than ${eventsPerLook} events within a second; of the last, ${most.map(([label, count]) => `${count} ${label}`).join(', ')}`;
}

function rateOf({ rates }: Scenario, host: string): number {
  return rates[host] ?? 1;
}
