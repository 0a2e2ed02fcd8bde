import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drawScenario } from '../swarm/draw.ts';
import { runScenario } from '../swarm/run-scenario.ts';
import { SimCluster } from './cluster.ts';
import { makeNetworkWorld } from './testing/network-world.ts';
import { VirtualTime } from './virtual-time.ts';

/*
 * How fast simulated time passes: `npm run bench:sim -- [--json FILE]`. Amounts are per second of
 * CPU time; each is the better of two runs, the first of which warms the machine code up.
 */

/** The cluster that the figures are for, with every part of the product in it. */
const site = { managers: 3, nodes: 10, vms: 100 } as const;
const siteMinutes = 60;
/** Seeds of all profiles, drawn and judged as a campaign does. */
const campaignSeeds = 60;
const campaignFrom = 1;

const ringSize = 2000;
const bareEvents = 500_000;

/** 2,000 self-renewing timers; each event starts a chain of this many awaits. */
async function bareRate(awaits: number, guard: boolean): Promise<number> {
  const time = new VirtualTime({ guard });
  const chain = async (): Promise<void> => {
    for (let count = 0; count < awaits; count += 1) await Promise.resolve();
  };
  for (let index = 0; index < ringSize; index += 1) {
    const act = (): void => {
      if (awaits > 0) void chain();
      time.schedule(((index * 7919) % 1000) + 0.5, act);
    };
    time.schedule(index % 997, act);
  }
  return rate(() => time.runUntil(() => time.executed >= bareEvents, Infinity), bareEvents);
}

async function messageRate(isolation: 'reference' | 'freeze' | 'json'): Promise<number> {
  const world = makeNetworkWorld({ isolation });
  const { agentEnd, managerEnd } = await world.join();
  let received = 0;
  managerEnd.onMessage((message) => {
    received += 1;
    managerEnd.send(message);
  });
  agentEnd.onMessage(() => agentEnd.send({ kind: 'heartbeat', sequence: received, sentAtMs: 1.5 }));
  for (let each = 0; each < 100; each += 1) {
    agentEnd.send({ kind: 'heartbeat', sequence: each, sentAtMs: 1.5 });
  }
  const messages = 100_000;
  return rate(() => world.time.runUntil(() => received >= messages, Infinity), 2 * messages);
}

interface ClusterRate {
  readonly eventsPerSecond: number;
  readonly clusterHoursPerCpuSecond: number;
}

async function clusterRate(): Promise<ClusterRate> {
  const { managers, nodes, vms } = site;
  const cluster = new SimCluster({
    seed: 7,
    managers,
    nodes,
    guard: false,
    isolation: 'reference',
    declareCapacity: true,
  });
  await cluster.start();
  for (let index = 0; index < vms; index += 1) await cluster.createVm(`vm-${index}`);
  const { time } = cluster.world;
  await time.runFor(60_000);
  const running = cluster.nodes.reduce((sum, node) => sum + node.runningVms().length, 0);
  if (running !== vms) throw new Error(`${running} of ${vms} VMs run`);
  const before = time.executed;
  const minutesPerS = await rate(() => time.runFor(siteMinutes * 60_000), siteMinutes);
  const events = time.executed - before;
  return {
    eventsPerSecond: (events / siteMinutes) * minutesPerS,
    clusterHoursPerCpuSecond: minutesPerS / 60,
  };
}

/** CPU time of one drawn and judged seed, ms. */
async function msPerSeed(): Promise<number> {
  const work = async (): Promise<void> => {
    for (let seed = campaignFrom; seed < campaignFrom + campaignSeeds; seed += 1) {
      await runScenario(drawScenario(seed));
    }
  };
  return 1000 / (await rate(work, campaignSeeds));
}

/** Amount per second of CPU time. */
async function rate(work: () => Promise<unknown>, amount: number): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return amount / ((user + system) / 1e6);
}

async function best<T>(measure: () => Promise<T>, pick: (result: T) => number): Promise<T> {
  const first = await measure();
  const second = await measure();
  return pick(second) > pick(first) ? second : first;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'string' } } });
  const same = (value: number): number => value;
  const bare = await best(() => bareRate(3, false), same);
  const messages = await best(() => messageRate('reference'), same);
  const cluster = await best(clusterRate, (each) => each.eventsPerSecond);
  const seedMs = Math.min(await msPerSeed(), await msPerSeed());
  const report = {
    cluster: site,
    clusterHoursPerCpuSecond: Math.round(cluster.clusterHoursPerCpuSecond * 1000) / 1000,
    eventsPerSecond: Math.round(cluster.eventsPerSecond),
    bareEventsPerSecond: Math.round(bare),
    messagesPerSecond: Math.round(messages),
    cpuMsPerSeed: Math.round(seedMs * 10) / 10,
    minutesFor10000SeedsOn2Cores: Math.round((seedMs * 10_000) / 2 / 6000) / 10,
  };
  const { json } = values;
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(JSON.stringify(report, null, 2));
}

await main();
