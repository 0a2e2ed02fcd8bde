import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { removeControlGroup } from '../../deploy/lab/control-group.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import { packageVersion } from '../../src/cli/version.ts';
import { BenchCluster } from './bench-cluster.ts';
import { BenchNetwork } from './bench-network.ts';
import { BenchNode } from './bench-node.ts';
import { bmcLog } from './bmc-files.ts';
import { Companion } from './companion.ts';
import type { FailoverOptions } from './failover-options.ts';
import { defectsOf, measure, startsElsewhere, type Measurement } from './measurement.ts';

const nodeCount = 3;
const tmpfsMagic = 0x01021994;

export interface BenchHooks {
  say(line: string): void;
  /** After each repetition. */
  onRun(run: Measurement): void;
  readonly signal: AbortSignal;
}

const bmcStates = { bmc: 'ok', pdu: 'stuck', watchdog: 'lost' } as const;

/** Everything that a bench has made and must let go of. */
interface Site {
  readonly directory: string;
  readonly eventsFile: string;
  readonly network: BenchNetwork;
  readonly bmc: Companion;
  readonly nodes: readonly BenchNode[];
}

/**
 * Crash of one of three nodes, until its VMs run on the two others; repeated. The manager runs on
 * node1, or one on each node, the store on a real disk. Between repetitions the victim boots again and all VMs are made
 * anew on it, by the public API alone: `BenchCluster.fill` says how.
 *
 * Whatever happens, nothing is left: no process, no namespace, no file unless `keep`.
 */
export async function runFailoverBench(
  options: FailoverOptions,
  hooks: BenchHooks,
): Promise<readonly Measurement[]> {
  if (statfsSync(options.directory).type === tmpfsMagic) {
    hooks.say(`${options.directory} is in memory: syncs cost nothing there; use --directory`);
  }
  const directory = mkdtempSync(join(options.directory, 'kennel-bench-'));
  hooks.say(`working in ${directory}`);
  let keep = options.keep;
  try {
    return await runIn(directory, options, hooks);
  } catch (error) {
    keep ||= !hooks.signal.aborted;
    if (keep && !options.keep) hooks.say(`the logs are left in ${directory}`);
    throw error;
  } finally {
    if (!keep) rmSync(directory, { recursive: true, force: true });
  }
}

async function runIn(
  directory: string,
  options: FailoverOptions,
  hooks: BenchHooks,
): Promise<readonly Measurement[]> {
  const bmcDirectory = join(directory, 'bmc');
  mkdirSync(bmcDirectory, { mode: 0o700 });
  const eventsFile = join(directory, 'events.log');
  writeFileSync(eventsFile, '');
  writeFileSync(bmcLog(bmcDirectory), '');
  const network = await BenchNetwork.open(join(directory, 'network.log'));
  const nodes: BenchNode[] = [];
  try {
    for (let number = 1; number <= nodeCount; number += 1) {
      await network.addNode(number);
      const home = join(directory, `node${number}`);
      nodes.push(new BenchNode({ number, directory: home, bmcDirectory, network }));
    }
    const bmc = await Companion.start(
      [
        process.execPath,
        join(import.meta.dirname, 'bmc.ts'),
        bmcDirectory,
        `${options.bmcDelayMs}`,
        bmcStates[options.proof],
      ],
      join(directory, 'bmc.log'),
    );
    try {
      return await runOn({ directory, eventsFile, network, bmc, nodes }, options, hooks);
    } finally {
      await bmc.end();
    }
  } finally {
    for (const node of nodes) node.kill();
    await Promise.all(nodes.map((node) => node.gone()));
    await Promise.all(nodes.map((node) => removeControlGroup(node.petterGroup)));
    await network.close();
  }
}

async function runOn(
  site: Site,
  options: FailoverOptions,
  hooks: BenchHooks,
): Promise<readonly Measurement[]> {
  const [first, ...others] = site.nodes;
  if (first === undefined) throw new Error('there are no nodes');
  await Promise.all(site.nodes.map((node) => node.powerOn()));
  const cluster = await BenchCluster.start({
    nodes: site.nodes,
    managers: options.managers === 1 ? [first] : [first, ...others],
    directory: site.directory,
    bmcDirectory: join(site.directory, 'bmc'),
    eventsFile: site.eventsFile,
    profile: options.profile,
    settleMs: options.settleMs,
    proof: options.proof,
    signal: hooks.signal,
  });
  hooks.say('three nodes are up; the manager leads');
  let last: BenchNode | null = null;
  const runs: Measurement[] = [];
  try {
    for (let rep = 1; rep <= options.runs; rep += 1) {
      if (last !== null) await bringBack(cluster, last, options);
      const leader = await cluster.leader();
      const victim = victimOf(site, leader, options);
      last = victim;
      await cluster.fill(victim, options.vms);
      const run = await crash({
        site,
        cluster,
        victim,
        leader,
        rep,
        options,
        signal: hooks.signal,
      });
      runs.push(run);
      hooks.onRun(run);
    }
  } finally {
    await cluster.close();
  }
  return runs;
}

/** The node that is to die: the leader's, or the wanted one, or another when the leader is there. */
function victimOf(site: Site, leader: BenchNode, options: FailoverOptions): BenchNode {
  if (options.killLeader) return leader;
  const others = site.nodes.filter((node) => node !== leader);
  const victim = others.find((node) => node.name === options.victim) ?? others.at(-1);
  if (victim === undefined) throw new Error('there are no nodes');
  return victim;
}

async function bringBack(
  cluster: BenchCluster,
  victim: BenchNode,
  { managers }: FailoverOptions,
): Promise<void> {
  await cluster.empty();
  await victim.gone();
  await victim.powerOn();
  if (managers > 1) {
    cluster.startManager(victim);
    await cluster.untilManagersFollow();
  }
  cluster.startAgent(victim);
  await cluster.untilReady([victim]);
}

function labelOf({ profile, managers, killLeader, proof }: FailoverOptions): string {
  return [
    profile,
    ...(managers === 1 ? [] : [`${managers} managers${killLeader ? ', leader lost' : ''}`]),
    ...(proof === 'pdu' ? ['BMC stuck, then PDU'] : []),
    ...(proof === 'watchdog' ? ['BMC lost with the node, watchdog'] : []),
  ].join(', ');
}

async function crash(step: {
  readonly site: Site;
  readonly cluster: BenchCluster;
  readonly victim: BenchNode;
  readonly leader: BenchNode;
  readonly rep: number;
  readonly options: FailoverOptions;
  readonly signal: AbortSignal;
}): Promise<Measurement> {
  const { site, cluster, victim, leader, rep, options, signal } = step;
  // Not a wait for anything: a crash hits heartbeats and relists at any phase.
  await delay(2000 + Math.random() * 2000, undefined, { signal });
  const load = Math.round((loadavg()[0] ?? 0) * 100) / 100;
  const crashMs = Date.now();
  await victim.cut();
  if (options.crash === 'power') victim.kill();
  const events = (): string => readFileSync(site.eventsFile, 'utf8');
  await waitUntil(
    `${options.vms} VMs of ${victim.name} run elsewhere`,
    () => startsElsewhere({ events: events(), crashMs, victim: victim.name }).length >= options.vms,
    { timeoutMs: 120_000 + options.vms * 500, everyMs: 250, signal },
  );
  const evidence = {
    crashMs,
    victim: victim.name,
    failover: await cluster.failoverOf(victim, crashMs),
    events: events(),
    bmcLog: readFileSync(bmcLog(join(site.directory, 'bmc')), 'utf8'),
    managerLog: cluster.managerLog(),
  };
  const run = measure(
    {
      version: packageVersion(),
      label: labelOf(options),
      nodes: nodeCount,
      N: options.vms,
      rep,
      bmc_delay_ms: options.bmcDelayMs,
      settle_ms: options.settleMs,
      crash: options.crash,
      victim: victim.name,
      dc: leader.name,
      load,
    },
    evidence,
  );
  const defects = defectsOf(run, evidence, options.proof === 'watchdog' ? 'selfFence' : 'powerOff');
  if (defects.length > 0) throw new Error(`repetition ${rep}: ${defects.join('; ')}`);
  return run;
}
