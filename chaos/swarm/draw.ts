import type { StoreKind } from '../sim/cluster.ts';
import { randomFromSeed } from '../sim/random.ts';
import type { RandomStream } from '../sim/random.ts';
import { aDuration, drawn } from './draw-faults.ts';
import type { Cast, FaultName } from './draw-faults.ts';
import { drawLocks } from './locks.ts';
import { drawMaintenance } from './maintenance.ts';
import { createdTogether, drawGuests } from './draw-guests.ts';
import { plots, type PlotName } from './plots.ts';
import { drawRare } from './rare-plots.ts';
import { drawSnapshots } from './snapshots.ts';
import { profileNames, profiles } from './profiles.ts';
import type { FaultProfile, ProfileName } from './profiles.ts';
import type { Fault, Recreate, Scenario, WorkloadStep } from './scenario.ts';

export interface DrawOptions {
  /** Default: each seed draws one. */
  readonly profile?: ProfileName;
  /** Default: each seed draws one. Throws for a profile that is made for another. */
  readonly store?: StoreKind;
  /** Default: each seed draws. */
  readonly managers?: number;
  /** Time in which faults are drawn, ms. Default: about a minute. */
  readonly faultsMs?: number;
  /** Default `never`. */
  readonly recreate?: Recreate;
}

/**
 * The run that a seed stands for. Each part is drawn from a stream of its own, so that a change of
 * one leaves the others as they were.
 */
export function drawScenario(seed: number, options: DrawOptions = {}): Scenario {
  const random = randomFromSeed(seed).split('scenario');
  const profile = options.profile ?? random.split('profile').pick(profilesFor(options.store));
  const chosen: FaultProfile = profiles[profile];
  const { lies, workloadSteps, twoLeaders = false } = chosen;
  const size = random.split('size');
  const fewOrMany = size.pick(chosen.managers ?? [1, 2, 2, 3, 3]);
  const nodes = size.pick(chosen.nodes ?? [2, 2, 3, 3, 4, 5, 7]);
  const vms = chosen.vms === undefined ? 1 + size.below(4) : size.pick(chosen.vms);
  const { store, managers, joining, hasWitness } = drawStore(random.split('store'), chosen, {
    ...options,
    drawn: fewOrMany,
  });
  const mode = size.chance(0.5) ? 'safety' : 'liveness';
  const faultsMs = options.faultsMs ?? chosen.faultsMs ?? (mode === 'safety' ? 60_000 : 45_000);
  const times = random.split('times');
  const guests = drawGuests(random.split('guests'), vms, { mayHold: mode === 'safety' });
  const workload = drawWorkload(random.split('workload'), vms, { faultsMs, steps: workloadSteps });
  const cast: Cast = { managers: numbered('m', managers), nodes: numbered('node', nodes), vms };
  const watchdogs = drawWatchdogs(random.split('watchdogs'), chosen, cast);
  const isPlain = !lies && chosen.harmless !== true && chosen.once !== true;
  const rare = isPlain ? drawRare(random.split('rare'), cast, faultsMs) : [];
  const usual = drawFaults(random.split('faults'), cast, { profile, faultsMs });
  return {
    seed,
    profile,
    mode,
    managers,
    nodes,
    store,
    joining,
    hasWitness,
    twoLeaders,
    levelBudgetMs:
      chosen.pdus === true ? Math.round(random.split('pdus').between(8000, 25_000)) : null,
    detection: times.pick(['fast', 'default', 'default'] as const),
    // With a long lease, whoever was deposed goes on believing in itself for long.
    storeLeaseMs: Math.round(twoLeaders ? times.between(6000, 20_000) : times.between(1500, 6000)),
    storeLatencyMs: times.pick([3, 3, 3, 30, 250]),
    bootMs: Math.round(times.between(3000, 9000)),
    agentRestartMs: Math.round(times.between(200, 3000)),
    managerRestartMs: Math.round(times.between(200, 4000)),
    operatorMs: Math.round(times.between(5000, 30_000)),
    rates: drawRates(random.split('rates'), cast),
    watchdogs,
    pinned: lies,
    recreate: options.recreate ?? 'never',
    selfMoves: random.split('self moves').chance(0.3),
    guests,
    workload: guests.length > 0 ? createdTogether(workload) : workload,
    faults: inOrder([...usual, ...rare], faultsMs).map((each) =>
      Object.keys(watchdogs).length === 0 ? each : withLivingClocks(each),
    ),
    locks: drawLocks(random.split('locks'), vms, faultsMs),
    snapshots: drawSnapshots(random.split('snapshots'), vms, faultsMs),
    maintenance:
      chosen.harmless === true ? [] : drawMaintenance(random.split('maintenance'), cast, faultsMs),
    faultsMs,
  };
}

/** Share of the seeds of a profile for any store that have the one that managers replicate. */
const raftShare = 0.4;

function profilesFor(store: StoreKind | undefined): readonly ProfileName[] {
  return profileNames.filter((name) => {
    const { store: made }: FaultProfile = profiles[name];
    return store === undefined || made === undefined || made === store;
  });
}

function drawStore(
  random: RandomStream,
  { store: made }: FaultProfile,
  options: DrawOptions & { readonly drawn: number },
): Pick<Scenario, 'store' | 'managers' | 'joining' | 'hasWitness'> {
  if (options.store !== undefined && made !== undefined && options.store !== made) {
    throw new Error(`this profile is made for the store ${made}, not for ${options.store}`);
  }
  const isRaft = random.chance(raftShare);
  const members = random.pick([3, 3, 5]);
  const late = random.pick([0, 0, 0, 0, 1, 2]);
  const hasWitness = random.chance(0.25);
  const asked = options.managers ?? null;
  const store = options.store ?? made ?? (isRaft ? 'raft' : 'memory');
  if (store === 'raft') {
    const managers = asked ?? (options.drawn === 1 ? 1 : members);
    const joining = Math.min(late, managers - 1);
    return { store, managers, joining, hasWitness: hasWitness && managers > 2 && joining === 0 };
  }
  return { store, managers: asked ?? options.drawn, joining: 0, hasWitness: false };
}

/** Share of the clusters of other profiles whose nodes have watchdogs. */
const watchdogShare = 0.3;

function drawWatchdogs(
  random: RandomStream,
  { watchdogs, lies }: FaultProfile,
  { nodes }: Cast,
): Scenario['watchdogs'] {
  if (lies || !(random.chance(watchdogShare) || watchdogs !== undefined)) return {};
  const drawnFor = nodes.map((node) => {
    const any = random.pick([
      'none',
      'strong',
      'strong',
      'strong',
      'strong',
      'late',
      'weak',
    ] as const);
    const kind = watchdogs === 'strong' ? 'strong' : any;
    const resetMs = Math.round(random.between(100, 2500));
    const traits = { timeoutMs: 5000, resetMs, held: random.chance(0.8) };
    return [node, kind === 'none' ? null : { kind, ...traits }] as const;
  });
  return Object.fromEntries(drawnFor.filter((each) => each[1] !== null)) as Scenario['watchdogs'];
}

/** A node whose boot-time clock can stand still is a guest itself, and may only hold (DESIGN §5). */
function withLivingClocks(fault: Fault): Fault {
  return fault.kind === 'freeze' && fault.clocks === 'both' ? { ...fault, clocks: 'none' } : fault;
}

function drawRates(random: RandomStream, cast: Cast): Readonly<Record<string, number>> {
  // Within the bound that is promised (1 %), and sometimes far beyond it.
  const drift = random.pick([0, 0, 0.008, 0.008, 0.05]);
  return Object.fromEntries(
    [...cast.nodes, ...cast.managers].map((host) => [
      host,
      1 + Math.round(random.between(-drift, drift) * 1e5) / 1e5,
    ]),
  );
}

function drawWorkload(
  random: RandomStream,
  vms: number,
  options: { readonly faultsMs: number; readonly steps: number },
): readonly WorkloadStep[] {
  const created = Array.from({ length: vms }, (_, index): WorkloadStep => ({
    // Some are made while things go wrong.
    atMs: Math.round(random.chance(0.7) ? random.between(500, 4000) : random.between(4000, 30_000)),
    verb: 'create',
    vm: index + 1,
    force: false,
  }));
  const scale = Math.max(1, options.faultsMs / 60_000);
  const count = Math.ceil(random.below(options.steps + 1) * scale);
  const changes = Array.from({ length: count }, (): WorkloadStep => ({
    atMs: Math.round(random.between(8000, options.faultsMs)),
    verb: random.pick([
      'start',
      'start',
      'start',
      'stop',
      'stop',
      'stop',
      'disable',
      'ignore',
      'delete',
      'create',
      'migrate',
      'migrate',
      'migrate',
      'migrate',
      'relocate',
      'stay',
      'pause',
      'pause',
      'resume',
      'resume',
      'reset',
      'reset',
      'reboot',
      'restart',
    ] as const),
    vm: 1 + random.below(vms),
    force: random.chance(0.5),
  }));
  return [...created, ...changes].sort((a, b) => a.atMs - b.atMs);
}

function drawFaults(
  random: RandomStream,
  cast: Cast,
  options: { readonly profile: ProfileName; readonly faultsMs: number },
): readonly Fault[] {
  const { weights, plots: stories, most, once }: FaultProfile = profiles[options.profile];
  const faults: Fault[] = [];
  const at = (): number => Math.round(random.between(6000, options.faultsMs));
  const bag = weighted(weights);
  // `most` is for about a minute.
  const scale = Math.max(1, options.faultsMs / 60_000);
  const count = bag.length === 0 ? 0 : Math.ceil((1 + random.below(most)) * scale);
  for (let index = 0; index < count; index += 1) {
    const name = random.pick(bag);
    faults.push({ ...drawn[name](random, cast), atMs: at(), lastsMs: aDuration(random) });
  }
  const often = stories.length === 0 ? 0 : Math.ceil(random.below(3) * scale);
  const told = once === true ? 1 : often;
  for (let index = 0; index < told; index += 1) {
    const plot: PlotName = random.pick(stories);
    const lastMs = Math.max(options.faultsMs * 0.6, options.faultsMs - 40_000);
    const beginMs = Math.round(once === true ? 9000 : random.between(6000, lastMs));
    for (const each of plots[plot](random, cast)) {
      faults.push({ ...each, atMs: beginMs + each.atMs });
    }
  }
  return faults;
}

function inOrder(faults: readonly Fault[], faultsMs: number): readonly Fault[] {
  return faults.filter((each) => each.atMs < faultsMs).sort((a, b) => a.atMs - b.atMs);
}

function weighted(weights: Readonly<Partial<Record<FaultName, number>>>): readonly FaultName[] {
  return (Object.entries(weights) as [FaultName, number][]).flatMap(([name, weight]) =>
    Array.from({ length: weight }, () => name),
  );
}

export function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
}
