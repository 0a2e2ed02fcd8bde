import type { SimBmcMode } from '../sim/bmc.ts';
import { aNode, aPduMode, type Cast } from './draw-faults.ts';
import { holdPlots } from './hold-plots.ts';
import type { Fault, FaultEffect } from './scenario.ts';
import type { RandomStream } from '../sim/random.ts';

/**
 * Chains of faults that one draw would rarely make by chance. A manager that did not lead remembers
 * an old boot; a leader stands still while a node dies; a command waits while its node restarts.
 */
export const plots = {
  ...holdPlots,
  /** A node loses its managers again and again, each time for long enough to be counted. */
  flapping: (random, cast) => {
    const node = random.pick(cast.nodes);
    return Array.from({ length: 7 }, (_, index) =>
      fault({ kind: 'cutManagers', node }, index * 6500, random.between(4000, 5000)),
    );
  },
  /** Only the managers do not hear it; another node is cut off from some of its peers meanwhile. */
  seenByPeers: (random, cast) => {
    const [node, other] = [random.pick(cast.nodes), random.pick(cast.nodes)];
    return [
      fault({ kind: 'cutManagers', node }, 0, random.between(15_000, 40_000)),
      fault({ kind: 'cutBoth', a: node, b: other }, random.between(0, 9000), 10_000),
      random.chance(0.3)
        ? fault({ kind: 'isolate', host: other }, random.between(0, 9000), 12_000)
        : fault({ kind: 'expireLeader', tell: false }, random.between(0, 9000), 0),
    ];
  },
  manyAtOnce: (random, cast) =>
    cast.nodes
      .filter((_, index) => index * 10 < cast.nodes.length * 4)
      .map((node) =>
        fault(
          random.chance(0.5)
            ? { kind: 'isolate', host: node }
            : { kind: 'freeze', host: node, clocks: 'none' },
          random.between(0, 1500),
          random.between(8000, 30_000),
        ),
      ),
  inTurn: (random, cast) =>
    cast.nodes
      .slice(0, 6)
      .map((node, index) =>
        fault({ kind: 'panic', node }, index * 48_000 + random.between(0, 2000), 40_000),
      ),
  rackLost: (random, cast) =>
    cast.nodes
      .slice(0, 10)
      .map((node) =>
        fault({ kind: 'freeze', host: node, clocks: 'none' }, random.between(0, 800), 90_000),
      ),
  staleMemory: (random, cast) => {
    const node = random.pick(cast.nodes);
    const end = random.between(12_000, 25_000);
    return [
      fault({ kind: 'cutBoth', a: 'follower', b: node }, 0, end + random.between(0, 15_000)),
      fault({ kind: 'reset', node }, 300, 0),
      random.chance(0.5)
        ? fault({ kind: 'cutStore', manager: 'leader' }, end, random.between(5000, 20_000))
        : fault({ kind: 'crash', host: 'leader' }, end, 0),
      fault({ kind: 'expireLeader', tell: false }, end + 100, 0),
    ];
  },
  leaderStandsStill: (random, cast) => [
    fault({ kind: 'powerLoss', node: aNode(random, cast), withBmc: false }, 0, 20_000),
    fault(
      { kind: 'pause', host: 'leader', beforeEffect: 1 + random.below(40) },
      random.between(0, 6000),
      random.between(1000, 25_000),
    ),
  ],
  twoLeaders: (random, cast) => [
    fault({ kind: 'cutBoth', a: 'follower', b: aNode(random, cast) }, 0, 20_000),
    fault({ kind: 'expireLeader', tell: false }, random.between(0, 500), 0),
    fault(
      { kind: 'domain', vm: 1 + random.below(cast.vms), how: 'crash' },
      random.between(0, 900),
      0,
    ),
  ],
  lateCommand: (random, cast) => {
    const node = aNode(random, cast);
    return [
      fault({ kind: 'domain', vm: 1 + random.below(cast.vms), how: 'crash' }, 0, 0),
      fault(
        { kind: 'cut', from: 'leader', to: node },
        random.between(0, 60),
        random.between(900, 14_000),
      ),
      fault({ kind: 'crash', host: node }, random.between(100, 3000), 0),
    ];
  },
  oldCommand: (random, cast) => {
    const node = random.pick(cast.nodes);
    const first = random.chance(0.5) ? 'reset' : 'crash';
    return [
      first === 'reset'
        ? fault({ kind: 'reset', node }, 0, 0)
        : fault({ kind: 'crash', host: node }, 0, 0),
      ...[0, 1, 2].map((back) =>
        fault(
          { kind: 'replay', node, back, forged: random.chance(0.5) },
          random.between(500, 25_000),
          0,
        ),
      ),
    ];
  },
  /** A start that never arrived turns up after its node has come back with another boot. */
  lostCommand: (random, cast) => {
    const node = random.pick(cast.nodes);
    return [
      fault({ kind: 'cut', from: 'leader', to: node }, 0, 4000),
      fault({ kind: 'domainsOf', node }, 20, 0),
      fault({ kind: random.pick(['reset', 'panic'] as const), node }, random.between(200, 1500), 0),
      ...[0, 1, 0, 1, 2].map((back) =>
        fault({ kind: 'replay', node, back, forged: false }, random.between(5000, 30_000), 0),
      ),
    ];
  },
  /** The agent stands still with a start before it, for longer than its lease. */
  startIntoPause: (random, cast) => {
    const node = random.pick(cast.nodes);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'unreachable' } }, 0, 30_000),
      fault({ kind: 'domainsOf', node }, 100, 0),
      fault(
        { kind: 'pause', host: node, beforeEffect: null },
        100 + random.between(50, 66),
        random.between(5500, 12_000),
      ),
    ];
  },
  hangInStart: (random, cast) => {
    const node = random.pick(cast.nodes);
    return [
      fault({ kind: 'domainsOf', node }, 0, 0),
      fault(
        { kind: 'daemon', node, how: 'hang' },
        random.between(55, 700),
        random.between(3500, 12_000),
      ),
    ];
  },
  /** What the leader before said comes again after its successor was met. */
  oldLeader: (random, cast) => [
    fault({ kind: 'expireLeader', tell: random.chance(0.5) }, 0, 0),
    ...Array.from({ length: 4 }, () =>
      fault(
        {
          kind: 'replay',
          node: random.pick(cast.nodes),
          back: random.below(3),
          forged: random.chance(0.5),
        },
        random.between(800, 8000),
        0,
      ),
    ),
  ],
  /** The effect of a start comes long after its answer was given up. */
  lateStart: (random, cast) => {
    const node = random.pick(cast.nodes);
    const effectAfterMs = Math.round(random.between(5000, 14_000));
    return [
      fault(
        { kind: 'hypervisor', node, call: 'start', fault: { kind: 'ackLost', effectAfterMs } },
        0,
        0,
      ),
      fault({ kind: 'domainsOf', node }, 20, 0),
      fault(
        { kind: 'daemon', node, how: 'hang' },
        random.between(300, 1500),
        random.between(3300, 5000),
      ),
    ];
  },
  /** A stopped VM is started past Kennel, hangs there, and is asked for through the API. */
  handThenApi: (random, cast) => {
    const vm = 1 + random.below(cast.vms);
    return [
      fault({ kind: 'ask', verb: 'stop', vm }, 0, 0),
      fault({ kind: 'byHand', node: random.pick(cast.nodes), vm, how: 'now' }, 2000, 0),
      fault({ kind: 'domain', vm, how: 'hang' }, 2010, 0),
      fault({ kind: 'ask', verb: 'start', vm }, random.between(5500, 9000), 0),
    ];
  },
  /** It runs, past Kennel, on a node that has just booted. */
  handAtBoot: (random, cast) => {
    const vm = 1 + random.below(cast.vms);
    return [
      fault({ kind: 'ask', verb: 'stop', vm }, 0, 0),
      fault({ kind: 'byHand', node: random.pick(cast.nodes), vm, how: 'atBoot' }, 2000, 0),
      fault({ kind: 'domain', vm, how: 'hang' }, random.between(5000, 13_000), 0),
      fault({ kind: 'ask', verb: 'start', vm }, random.between(5000, 20_000), 0),
    ];
  },
  /** The write of a fence intent has no answer, and the node is heard again meanwhile. */
  intentUnanswered: (random, cast) => [
    fault(
      { kind: 'cutBoth', a: 'leader', b: `home-${1 + random.below(cast.vms)}` },
      0,
      random.pick([random.between(1100, 2000), random.between(3100, 4500)]),
    ),
    fault({ kind: 'ambiguousWrite', effect: 'evaluated' }, random.between(300, 900), 0),
  ],
  /** Power goes while a write of the log is on its way to the platter. */
  tornLog: (random, cast) => [
    fault({ kind: 'disk', host: 'leader', how: 'slow' }, 0, 6000),
    fault({ kind: 'domain', vm: 1 + random.below(cast.vms), how: 'crash' }, 50, 0),
    fault({ kind: 'managerPower', manager: 'leader' }, random.between(1700, 3600), 2000),
  ],
  /** The leading member writes on where nobody hears it, and its tail gives way to another's. */
  cutOffLeader: (random, cast) => [
    fault({ kind: 'cutStore', manager: 'leader' }, 0, random.between(1500, 9000)),
    fault({ kind: 'domain', vm: 1 + random.below(cast.vms), how: 'crash' }, 20, 0),
    ...(random.chance(0.5)
      ? [fault({ kind: 'managerPower', manager: 'leader' }, random.between(300, 12_000), 3000)]
      : []),
  ],
  /** A member is away while the others go on, and the leading one starts anew before it is back. */
  laggard: (random, cast) => {
    const member = random.pick(cast.managers);
    const awayMs = random.between(8000, 25_000);
    return [
      fault({ kind: 'cutStore', manager: member }, 0, awayMs),
      fault({ kind: 'domainsOf', node: random.pick(cast.nodes) }, 100, 0),
      fault({ kind: 'crash', host: 'leader' }, awayMs - random.between(500, 6000), 0),
    ];
  },
  /** Power goes while a member writes its vote down. */
  lostVote: (random, cast) => {
    const member = random.pick(cast.managers);
    const electionMs = random.between(1000, 2600);
    return [
      fault({ kind: 'disk', host: member, how: 'slow' }, 0, 6000),
      fault({ kind: 'crash', host: 'leader' }, 100, 0),
      fault({ kind: 'managerPower', manager: member }, 100 + electionMs, 100),
      fault({ kind: 'crash', host: 'leader' }, 100 + electionMs + random.between(0, 4000), 0),
    ];
  },
  /** All managers fall in an election, and what they promised in it must hold. */
  fallAtElection: (random) => [
    fault({ kind: 'electionFall', how: random.pick(['crash', 'powerLoss'] as const) }, 0, 20_000),
    fault({ kind: 'crash', host: 'leader' }, 10, 0),
  ],
  /** One that hears no leader asks again and again, and a voter that has just restarted answers. */
  restartedVoter: (random, cast) => {
    const [asks, restarts] = [random.pick(cast.managers), random.pick(cast.managers)];
    return [
      fault({ kind: 'cutBoth', a: 'leader', b: asks }, 0, 12_000),
      ...[3000, 6000, 9000].map((atMs) => fault({ kind: 'crash', host: restarts }, atMs, 0)),
    ];
  },
  everyoneInTurn: (random, cast) =>
    cast.managers.map((manager, index) =>
      fault(
        random.chance(0.5) ? { kind: 'managerPower', manager } : { kind: 'crash', host: manager },
        index * random.between(500, 6000),
        random.between(50, 4000),
      ),
    ),
  /**
   * A manager stands still while every node loses power and is proven dead, and leads when it wakes
   * up: its connections to the dead seem open, and one node is back to take their VMs.
   */
  wakesUpLate: (random, cast) => {
    const awakeMs = random.between(13_000, 18_000);
    return [
      fault({ kind: 'freeze', host: 'follower', clocks: 'none' }, 0, awakeMs),
      ...cast.nodes.map((node, index) =>
        fault(
          { kind: 'powerLoss', node, withBmc: false },
          300 + 50 * index,
          index === 0 ? random.between(4000, 9000) : 40_000,
        ),
      ),
      fault({ kind: 'expireLeader', tell: true }, awakeMs + random.between(20, 600), 0),
    ];
  },
  /** Two cables are mixed up, and it shows when one of the nodes dies. */
  mixedCables: (random, cast) => {
    const [a, b] = [random.pick(cast.nodes), random.pick(cast.nodes)];
    return [
      fault({ kind: 'wrongBmc', a, b }, 0, 30_000),
      random.chance(0.5)
        ? fault({ kind: 'powerLoss', node: a, withBmc: false }, 200, 25_000)
        : fault({ kind: 'partition', hosts: [a] }, 200, 15_000),
    ];
  },
  /** VMs need a restart, and the leader stops between the commit and the command. */
  pauseAtSend: (random, cast) => [
    fault({ kind: 'domainsOf', node: aNode(random, cast) }, 0, 0),
    fault(
      { kind: 'pause', host: 'leader', beforeEffect: 'afterCommit' },
      random.between(1, 60),
      random.between(1000, 8000),
    ),
  ],
  /** A hung or cut-off node under a device that refuses, or accepts and does nothing for long. */
  deafDevice: (random, cast) => {
    const node = random.pick(cast.nodes);
    const mode = random.pick<SimBmcMode>([
      { kind: 'busy' },
      { kind: 'fail' },
      { kind: 'stuck' },
      { kind: 'delayed', ms: 15_000 },
    ]);
    return [
      fault({ kind: 'bmc', node, mode }, 0, 30_000),
      random.chance(0.5)
        ? fault({ kind: 'freeze', host: node, clocks: 'none' }, 100, 25_000)
        : fault({ kind: 'partition', hosts: [node] }, 100, 25_000),
    ];
  },
  /**
   * A node that nobody hears, that no device fences and whose VMs no signal ends: its petter stands
   * still between its last check and the write that follows.
   */
  lastPet: (random, cast) => {
    const node = aNode(random, cast);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'unreachable' } }, 0, 45_000),
      fault({ kind: 'unkillable', node }, 0, 45_000),
      fault({ kind: 'partition', hosts: [node] }, 50, 45_000),
      fault(
        { kind: 'petter', node, how: { beforePet: 1 } },
        random.between(7600, 8900),
        random.between(1000, 4900),
      ),
    ];
  },
  /** The same, and its petter dies late, or is told to end. */
  petterEnds: (random, cast) => {
    const node = aNode(random, cast);
    const how = random.pick(['crash', 'disarm'] as const);
    const atMs = how === 'disarm' ? -50 : random.between(7600, 18_000);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'unreachable' } }, 0, 45_000),
      fault({ kind: 'unkillable', node }, 0, 45_000),
      fault({ kind: 'petter', node, how }, Math.max(0, atMs), 0),
      fault({ kind: 'partition', hosts: [node] }, 60, 45_000),
    ];
  },
  /** The daemon has a start in hand when the node is cut off, and gets to it long after. */
  startInHand: (random, cast) => {
    const node = random.pick(cast.nodes);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'unreachable' } }, 0, 50_000),
      fault({ kind: 'domainsOf', node }, 100, 0),
      fault(
        random.chance(0.5)
          ? { kind: 'daemon', node, how: 'hang' }
          : { kind: 'pause', host: node, beforeEffect: 1 + random.below(4) },
        random.between(155, 800),
        random.between(20_000, 40_000),
      ),
      fault({ kind: 'partition', hosts: [node] }, random.between(900, 2500), 45_000),
    ];
  },
  /** Its agent starts anew, says hello, and is not heard again. */
  helloAndDark: (random, cast) => {
    const node = aNode(random, cast);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'unreachable' } }, 0, 45_000),
      fault({ kind: 'crash', host: node }, 0, 0),
      fault({ kind: 'partition', hosts: [node] }, random.between(200, 3500), 45_000),
    ];
  },
  /** A copy of a VM has just begun to come to it when nobody hears it any more, and no device helps. */
  copyInTheDark: (random, cast) => {
    const vm = 1 + random.below(cast.vms);
    // The first of them that finds the copy strikes.
    const tries = [20, 60, 110, 170, 240, 320, 420, 540, 700, 900];
    const offMs = random.between(0, 40);
    return [
      fault({ kind: 'ask', verb: 'migrate', vm }, 0, 0),
      ...tries.flatMap((atMs) => [
        fault({ kind: 'cutManagers', node: `copy-${vm}` }, atMs + offMs, 40_000),
        fault(
          { kind: 'bmc', node: `copy-${vm}`, mode: { kind: 'unreachable' } },
          atMs + offMs,
          40_000,
        ),
      ]),
    ];
  },
  /** Power lost together with the BMC, or only the way to everybody. */
  darkRack: (random, cast) => {
    const node = aNode(random, cast);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'unreachable' } }, 0, 45_000),
      random.chance(0.5)
        ? fault({ kind: 'powerLoss', node, withBmc: true }, 50, 45_000)
        : fault({ kind: 'partition', hosts: [node] }, 50, random.between(10_000, 45_000)),
      random.chance(0.5)
        ? fault({ kind: 'expireLeader', tell: false }, random.between(3000, 20_000), 0)
        : fault({ kind: 'crash', host: 'leader' }, random.between(3000, 20_000), 0),
    ];
  },
  /** The BMC cannot help a node that is cut off and runs on, and neither may one outlet of the two. */
  secondLevel: (random, cast) => {
    const node = aNode(random, cast);
    const mode = random.pick<SimBmcMode>([
      { kind: 'wrongPassword' },
      { kind: 'stuck' },
      { kind: 'unreachable' },
    ]);
    const which = random.pick(['pdu-a', 'pdu-b'] as const);
    const at = random.between(500, 25_000);
    return [
      fault({ kind: 'bmc', node, mode }, 0, 60_000),
      ...(random.chance(0.6)
        ? [
            fault(
              { kind: 'pdu', node, which, mode: aPduMode(random) },
              0,
              random.between(20_000, 60_000),
            ),
          ]
        : []),
      fault({ kind: 'partition', hosts: [node] }, 100, 60_000),
      fault({ kind: 'powerOnByPerson', node }, at + 4000, 0),
      fault({ kind: 'powerOnByPerson', node }, at + 14_000, 0),
      ...(random.chance(0.4) ? [fault({ kind: 'crash', host: 'leader' }, at, 0)] : []),
    ];
  },
  /** Told off while it stood On, its word is asked for again when it beats. */
  lieWhileHeard: (random, cast) => {
    const node = random.pick(cast.nodes);
    const silentMs = random.between(6000, 9000);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'stuck' } }, 0, silentMs + 1500),
      fault({ kind: 'partition', hosts: [node] }, 100, silentMs),
      fault({ kind: 'bmc', node, mode: { kind: 'lieOff' } }, silentMs + 1600, 20_000),
    ];
  },
  lieWhileSilent: (random, cast) => {
    const node = random.pick(cast.nodes);
    return [
      fault({ kind: 'bmc', node, mode: { kind: 'lieOff' } }, 0, 30_000),
      fault({ kind: 'partition', hosts: [node] }, 200, random.between(7000, 15_000)),
    ];
  },
} as const satisfies Readonly<
  Record<string, (random: RandomStream, cast: Cast) => readonly Fault[]>
>;

export type PlotName = keyof typeof plots;

export function fault(effect: FaultEffect, atMs: number, lastsMs: number): Fault {
  return { ...effect, atMs: Math.round(atMs), lastsMs: Math.round(lastsMs) };
}
