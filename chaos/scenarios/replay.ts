import { operationId } from '../../src/core/model/ids.ts';
import { SimCluster } from '../sim/cluster.ts';
import { identityOf } from '../sim/cluster-world.ts';
import { enrolmentWrites } from '../sim/enrolment.ts';
import type { WatchdogTraits } from '../sim/watchdog-device.ts';
import { act, setUsage, startByHand } from './actions.ts';
import type { Stage } from './actions.ts';
import { PersonAtCommands } from './commands.ts';
import { finalState } from './final-state.ts';
import { actKennel } from './kennel-actions.ts';
import { kennelSchema } from './kennel-schema.ts';
import type { KennelAction, KennelExtension } from './kennel-schema.ts';
import { Monitor } from './monitor.ts';
import { namesFor } from './names.ts';
import type { RunOutcome } from './outcome.ts';
import { brokenRules, placementRules } from './rules.ts';
import type { Scenario } from './schema.ts';
import { believedRecords, nodeRecordsOf, putsOf, serviceRecords, settingsOf } from './seed.ts';
import { plantServiceFaults } from './service-faults.ts';
import { Sites } from './sites.ts';

/** Time before t = 0 in which nodes that have power at t = 0 boot and start their VMs, in ms. */
const preludeMs = 30_000;

const mebibyte = 1024 * 1024;

interface Instant {
  readonly t: number;
  readonly run: () => void;
}

/**
 * Runs a scenario on the production code under virtual time, from t = 0 to `end_t`. Everything
 * follows from the file: the seed is its id.
 */
export async function replay(scenario: Scenario): Promise<RunOutcome> {
  const extension = scenario['x-kennel'] ?? kennelSchema.parse({});
  const monitor = new Monitor();
  const cluster = makeCluster(scenario, extension, monitor);
  const { time, random } = cluster.world;
  const ids = random.split('vm ids');
  const names = namesFor(scenario, (service) => ids.split(service).uuid());
  const sites = new Sites(cluster, extension.managers?.layout ?? 'with-nodes');
  const startsOn = scenario.cluster.nodes.some((node) => node.initial.power === 'on');
  const zeroMs = startsOn ? preludeMs : 0;
  const nowS = (): number => Math.round(time.nowMs - zeroMs) / 1000;
  const refused: { t: number; text: string }[] = [];
  const person = new PersonAtCommands(cluster, (text) => refused.push({ t: nowS(), text }));
  const used: Stage['used'] = new Map();
  const stage: Stage = { scenario, cluster, sites, names, person, monitor, used };
  monitor.watch({ cluster, sites, names, zeroMs });
  seed(stage, extension);
  plantServiceFaults(scenario, cluster, names);
  for (const { id, usage } of scenario.services) setUsage(stage, id, usage ?? {});
  powerUp(stage, extension);
  const triggers = new Triggers(stage, monitor);
  const look = (): boolean => {
    sites.settle();
    monitor.look();
    triggers.fire();
    return false;
  };
  const runTo = (t: number): Promise<boolean> =>
    time.runUntil(look, Math.max(0, zeroMs + t * 1000 - time.nowMs));
  const instants = instantsOf(stage, extension, triggers);
  for (const { t, run } of instants) {
    await runTo(t);
    run();
    look();
  }
  await runTo(Math.max(scenario.end_t, instants.at(-1)?.t ?? 0));
  return conclude(stage, monitor, refused);
}

function conclude(
  stage: Stage,
  monitor: Monitor,
  refused: readonly { t: number; text: string }[],
): RunOutcome {
  const { scenario, cluster, person } = stage;
  const final = finalState(Object.keys(scenario.expect.final.services), { ...stage, monitor });
  const placed = new Map(
    Object.entries(final.services).flatMap(([service, { node, instance }]) =>
      node === null || instance === 'stopped' ? [] : [[service, node] as const],
    ),
  );
  for (const text of brokenRules(scenario, placed)) {
    monitor.report('final_placement_obeys_strict_rules', text);
  }
  const unanswered =
    person.waiting === 0
      ? []
      : [{ t: scenario.end_t, text: `${person.waiting} commands were not answered` }];
  return {
    ...monitor.summary(),
    ...final,
    refused: [...refused, ...unanswered],
    hash: cluster.world.time.hash(),
  };
}

function makeCluster(scenario: Scenario, extension: KennelExtension, monitor: Monitor): SimCluster {
  const nodes = scenario.cluster.nodes.length;
  const stopsManagers = scenario.timeline.some((action) => action.action === 'manager.stop');
  const restartS = extension.managers === undefined ? 2 : extension.managers.restart_seconds;
  const layout = extension.managers?.layout ?? 'with-nodes';
  const wanted = extension.managers?.count ?? nodes;
  const cluster = new SimCluster({
    seed: scenario.id,
    managers: layout === 'with-nodes' ? Math.min(wanted, nodes) : wanted,
    nodes,
    detection: extension.detection,
    bootMs: extension.boot_seconds * 1000,
    // What a person stopped stays down until a person starts it.
    managerRestartMs: stopsManagers || restartS === null ? null : restartS * 1000,
    taps: monitor.taps,
    watchdogs: watchdogsOf(scenario, extension),
  });
  for (const [index, node] of scenario.cluster.nodes.entries()) {
    const { hypervisor } = cluster.nodes[index] ?? {};
    if (hypervisor === undefined) continue;
    const { memoryMiB, vcpus } = hypervisor.capacity;
    hypervisor.capacity = {
      memoryMiB:
        node.memory_bytes === undefined ? memoryMiB : Math.floor(node.memory_bytes / mebibyte),
      vcpus: node.cpus ?? vcpus,
    };
  }
  return cluster;
}

/**
 * Those that the file wants. The neutral format has no word for them; a node that is to fence itself
 * without ever being proven dead needs one.
 */
function watchdogsOf(
  { cluster, expect }: Scenario,
  { watchdog }: KennelExtension,
): Readonly<Record<string, WatchdogTraits>> {
  const confirmed = new Set(expect.fence_confirmed.map((one) => one.node));
  const isNeeded = expect.self_fenced.some((one) => !confirmed.has(one.node));
  if (watchdog === undefined && !isNeeded) return {};
  const traits = {
    kind: 'strong',
    held: true,
    ...watchdog,
    timeoutMs: 5000,
    resetMs: 500,
  } as const;
  return Object.fromEntries(cluster.nodes.map((_, index) => [`node-${index + 1}`, traits]));
}

/** Commits what enrolment and an earlier life of the cluster leave in the store. */
function seed({ scenario, cluster, names }: Stage, extension: KennelExtension): void {
  const writes = enrolmentWrites(
    cluster.nodes.map((node) => ({
      name: node.name,
      machineId: node.machineId,
      fingerprint: identityOf(cluster.world, 'agent', node.name).fingerprint,
      fencedBy: node.fencedBy,
      ...(extension.pdus ? { pdus: node.pdusBy } : {}),
    })),
  );
  const vms = serviceRecords(scenario, names);
  const believed = believedRecords(scenario, nodeRecordsOf(writes), vms, names);
  const rules = placementRules(scenario, names);
  const settings = settingsOf(scenario, extension.detection);
  const outcome = cluster.store.evaluate({
    operation: operationId('scenario-start'),
    compare: [],
    then: [
      ...cluster.managerWrites(),
      ...writes,
      ...putsOf([settings, ...rules, ...vms, ...believed]),
    ],
  });
  if (outcome.kind !== 'committed') throw new Error(`the start was not committed: ${outcome.kind}`);
}

function powerUp({ scenario, cluster, sites }: Stage, extension: KennelExtension): void {
  if (extension.managers?.layout === 'apart') {
    for (const { machine } of cluster.managers) machine.startBooted();
  }
  for (const [index, node] of scenario.cluster.nodes.entries()) {
    if (node.initial.power === 'off') continue;
    if (node.initial.network === 'off') sites.isolate(index);
    cluster.nodes[index]?.machine.startBooted();
  }
}

/**
 * From one node's fate to the next in the same second, in s: longer than a heartbeat interval, so
 * that their order, which the format defines, is one that a detector can see.
 */
const nodeStepS = 0.75;

/** How long what `already_running` says has run before it is added, in s: nodes have reported it. */
const runsBeforeS = 5;

/** When each action is done: those on nodes that share a second come one after the other. */
function timesOf(timeline: Scenario['timeline']): readonly number[] {
  const times: number[] = [];
  let last = { t: -1, at: -1, onNode: false };
  for (const action of timeline) {
    const onNode = action.action.startsWith('node.');
    const follows = action.t_seconds === last.t && onNode && last.onNode;
    const at = Math.max(action.t_seconds, follows ? last.at + nodeStepS : last.at);
    times.push(at);
    last = {
      t: action.t_seconds,
      at,
      onNode: onNode || (last.onNode && action.t_seconds === last.t),
    };
  }
  return times;
}

/** Both timelines in one order; at the same second the neutral one goes first. */
function instantsOf(
  stage: Stage,
  extension: KennelExtension,
  triggers: Triggers,
): readonly Instant[] {
  const { timeline } = stage.scenario;
  const times = timesOf(timeline);
  const neutral = timeline.map((action, index) => ({
    t: times[index] ?? action.t_seconds,
    run: (): void => act(stage, action),
  }));
  const before = timeline.flatMap((action, index) =>
    action.action === 'service.add' && action.already_running === true
      ? [
          {
            t: Math.max(0, (times[index] ?? action.t_seconds) - runsBeforeS),
            run: (): void => startByHand(stage, action),
          },
        ]
      : [],
  );
  const own = extension.timeline.map((action) => ({
    t: action.t_seconds,
    run: (): void => {
      if (action.when === undefined) actKennel(stage, action);
      else triggers.arm(action, action.when);
    },
  }));
  return [...before, ...neutral, ...own].sort((a, b) => a.t - b.t);
}

/** Actions that wait for a condition. */
class Triggers {
  readonly #stage: Stage;
  readonly #monitor: Monitor;
  #armed: { readonly action: KennelAction; readonly node: string; readonly phase: string }[] = [];

  constructor(stage: Stage, monitor: Monitor) {
    this.#stage = stage;
    this.#monitor = monitor;
  }

  arm(action: KennelAction, when: NonNullable<KennelAction['when']>): void {
    const node = this.#stage.names.simNode(when.fence_of);
    this.#armed.push({ action, node, phase: when.phase });
  }

  fire(): void {
    if (this.#armed.length === 0) return;
    const due = this.#armed.filter((one) => this.#monitor.fencePhase(one.node) === one.phase);
    if (due.length === 0) return;
    this.#armed = this.#armed.filter((one) => !due.includes(one));
    for (const { action } of due) actKennel(this.#stage, action);
  }
}
