import type { StoreKind } from '../sim/cluster.ts';
import type { FaultName } from './draw-faults.ts';
import type { PlotName } from './plots.ts';

export interface FaultProfile {
  readonly summary: string;
  readonly weights: Readonly<Partial<Record<FaultName, number>>>;
  readonly plots: readonly PlotName[];
  /** One plot is told, from the beginning on. */
  readonly once?: boolean;
  /** At most so many faults are drawn one by one. */
  readonly most: number;
  readonly workloadSteps: number;
  /**
   * A BMC that says Off of a node that lives and that nobody hears cannot be told from the truth, by
   * anybody. Where such lies are drawn, no VM may move, and what is tested is that the proof is
   * revoked as soon as the node is heard.
   */
  readonly lies: boolean;
  /** Managers to draw from; absent = any number. */
  readonly managers?: readonly number[];
  /** What its faults are made for; absent = any store. */
  readonly store?: StoreKind;
  /**
   * Every node has a watchdog: of one kind or another, or one that may be relied on. Otherwise a third
   * of the clusters do, of any kind.
   */
  readonly watchdogs?: 'any' | 'strong';
  /** Nodes have a second level: the outlets of two supplies. */
  readonly pdus?: boolean;
  /** Nodes to draw from; absent = a few. */
  readonly nodes?: readonly number[];
  /** VMs to draw from; absent = up to four. */
  readonly vms?: readonly number[];
  /** Time in which faults are drawn, ms; absent = about a minute. */
  readonly faultsMs?: number;
  /** No node dies of its faults, nor do its links stay away: whoever is fenced is fenced wrongly. */
  readonly harmless?: boolean;
  /** Two managers lead at once, always. */
  readonly twoLeaders?: boolean;
}

const network = { cut: 4, cutBoth: 4, isolate: 3, partition: 3, poorLink: 3 } as const;
const power = { powerLoss: 4, reset: 3, panic: 2, freezeNode: 3 } as const;
const processes = { crashAgent: 3, crashManager: 3, pause: 4, freezeManager: 2 } as const;
const leaders = { expireLeader: 3, cutStore: 2, ambiguousWrite: 3 } as const;
const host = { daemon: 3, hypervisor: 5, domain: 4, stateDisk: 2, storageCut: 1 } as const;
const disks = { disk: 3, managerPower: 2 } as const;
const devices = { bmc: 4, wrongBmc: 1 } as const;
const members = { peerCut: 4, peerCutBoth: 3, peerLink: 3, memberSplit: 3, cutStore: 3 } as const;
const people = { byHand: 1, fenceByPerson: 1, wallStep: 1 } as const;

export const profiles = {
  mixed: {
    summary: 'everything at once',
    weights: {
      ...network,
      ...power,
      ...processes,
      ...leaders,
      ...host,
      ...devices,
      ...people,
      ...disks,
      replay: 2,
    },
    plots: [
      'staleMemory',
      'leaderStandsStill',
      'twoLeaders',
      'lateCommand',
      'oldCommand',
      'lostCommand',
      'startIntoPause',
      'hangInStart',
      'lateStart',
      'handThenApi',
      'handAtBoot',
      'oldLeader',
      'deafDevice',
      'mixedCables',
      'pauseAtSend',
      'tornLog',
    ],
    most: 14,
    workloadSteps: 6,
    lies: false,
  },
  network: {
    summary: 'cuts, partitions, poor links',
    weights: { ...network, reset: 1, crashAgent: 1, bmc: 1 },
    plots: ['staleMemory', 'twoLeaders', 'lateCommand', 'intentUnanswered'],
    most: 10,
    workloadSteps: 4,
    lies: false,
  },
  unanswered: {
    summary: 'writes without an answer, while nodes fall silent for a moment',
    weights: { ambiguousWrite: 4, cutBoth: 3, pause: 1 },
    plots: ['intentUnanswered', 'intentUnanswered', 'twoLeaders'],
    most: 6,
    workloadSteps: 3,
    lies: false,
    store: 'memory',
  },
  power: {
    summary: 'dying nodes and bad fence devices',
    weights: { ...power, ...devices, pause: 2, expireLeader: 1, cutBoth: 2, wallStep: 1 },
    plots: ['leaderStandsStill', 'deafDevice', 'deafDevice', 'mixedCables', 'wakesUpLate'],
    most: 8,
    workloadSteps: 3,
    lies: false,
  },
  levels: {
    summary: 'BMCs with the outlets of two supplies behind them, and all of them fail',
    weights: {
      ...power,
      bmc: 5,
      wrongBmc: 1,
      pdu: 6,
      powerOnByPerson: 5,
      crashManager: 2,
      expireLeader: 1,
      pause: 2,
      cutBoth: 2,
    },
    plots: ['secondLevel', 'secondLevel', 'secondLevel', 'deafDevice'],
    most: 8,
    workloadSteps: 3,
    lies: false,
    pdus: true,
  },
  leaders: {
    summary: 'leaders that come, go, stand still and overlap',
    weights: { ...leaders, ...processes, cutBoth: 2, powerLoss: 2, reset: 2, domain: 2 },
    plots: ['staleMemory', 'leaderStandsStill', 'twoLeaders', 'oldLeader', 'pauseAtSend'],
    most: 10,
    workloadSteps: 5,
    lies: false,
    store: 'memory',
  },
  agents: {
    summary: 'agents and hypervisors that fail, and commands that come again',
    weights: {
      ...host,
      crashAgent: 4,
      pause: 2,
      freezeNode: 2,
      cut: 3,
      reset: 2,
      replay: 6,
      byHand: 3,
    },
    plots: [
      'lateCommand',
      'oldCommand',
      'lostCommand',
      'startIntoPause',
      'hangInStart',
      'lateStart',
      'handThenApi',
      'handAtBoot',
      'oldLeader',
    ],
    most: 12,
    workloadSteps: 8,
    lies: false,
  },
  disks: {
    summary: 'one manager alone, on a disk that fails, rots, fills up and forgets',
    weights: { disk: 8, managerPower: 6, crashManager: 4, pause: 2, powerLoss: 3, domain: 2 },
    plots: ['leaderStandsStill', 'tornLog', 'tornLog'],
    most: 12,
    workloadSteps: 8,
    lies: false,
    managers: [1],
    store: 'raft',
  },
  twoLeaders: {
    summary: 'two managers lead at once, all the time',
    weights: {
      ...power,
      ...host,
      ambiguousWrite: 3,
      crashAgent: 3,
      crashManager: 2,
      cutBoth: 3,
      isolate: 1,
      pause: 3,
      replay: 3,
      bmc: 3,
      fenceByPerson: 1,
    },
    plots: ['leaderStandsStill', 'lateCommand', 'oldCommand', 'oldLeader', 'staleMemory'],
    most: 10,
    workloadSteps: 6,
    lies: false,
    managers: [2, 3, 3],
    store: 'memory',
    twoLeaders: true,
  },
  raft: {
    summary: 'managers that replicate the store: cut apart, without power, on disks that fail',
    weights: {
      ...members,
      disk: 3,
      diskLost: 2,
      memberPower: 5,
      crashManager: 3,
      pause: 3,
      freezeManager: 2,
      isolate: 1,
      powerLoss: 2,
      domain: 2,
    },
    plots: [
      'tornLog',
      'cutOffLeader',
      'cutOffLeader',
      'laggard',
      'lostVote',
      'fallAtElection',
      'fallAtElection',
      'restartedVoter',
      'everyoneInTurn',
    ],
    most: 12,
    workloadSteps: 8,
    lies: false,
    managers: [3, 3, 5],
    store: 'raft',
  },
  watchdog: {
    summary: 'nodes that fence themselves: cut off, dark, stuck, with petters that stall and die',
    weights: {
      isolate: 2,
      partition: 2,
      powerLoss: 3,
      panic: 2,
      freezeNode: 2,
      petter: 4,
      unkillable: 2,
      bmc: 3,
      crashAgent: 3,
      pause: 2,
      expireLeader: 2,
      crashManager: 2,
      daemon: 2,
      domain: 1,
      hypervisor: 1,
    },
    plots: [
      'lastPet',
      'lastPet',
      'petterEnds',
      'petterEnds',
      'startInHand',
      'helloAndDark',
      'darkRack',
      'copyInTheDark',
      'copyInTheDark',
    ],
    most: 7,
    workloadSteps: 4,
    lies: false,
    watchdogs: 'any',
  },
  peerHold: {
    summary:
      'nodes that fence themselves and hold each other while managers, or some of them, are away',
    weights: {
      cutManagers: 3,
      nodeCut: 2,
      isolate: 1,
      poorLink: 2,
      crashAgent: 3,
      crashManager: 2,
      pause: 3,
      expireLeader: 2,
      powerLoss: 1,
      petter: 1,
      stateDisk: 1,
    },
    plots: [
      'managersAway',
      'managersAway',
      'managersAway',
      'someHold',
      'gapInMajority',
      'gapInMajority',
      'shrunkBehind',
      'shrunkBehind',
      'killInHand',
      'killInHand',
    ],
    most: 4,
    workloadSteps: 3,
    lies: false,
    nodes: [3, 3, 4, 5, 5],
    watchdogs: 'strong',
  },
  flaps: {
    summary: 'links that come and go, peers and managers cut off apart from each other',
    weights: {
      flap: 5,
      cutManagers: 5,
      nodeCut: 3,
      isolate: 1,
      poorLink: 2,
      crashAgent: 2,
      panic: 1,
    },
    plots: ['flapping', 'flapping', 'seenByPeers', 'manyAtOnce'],
    most: 10,
    workloadSteps: 4,
    lies: false,
    nodes: [3, 4, 5, 7, 12],
  },
  links: {
    summary: '32 nodes whose links flap, lose and delay; nobody may be fenced for it (--hours 24)',
    weights: { shortFlap: 6, nodeCut: 2, poorNodeLink: 3, cutManagers: 2 },
    plots: [],
    most: 12,
    workloadSteps: 2,
    lies: false,
    managers: [3],
    nodes: [32],
    vms: [32],
    store: 'memory',
    harmless: true,
  },
  oneByOne: {
    summary: 'one node after the other dies, more of them than a window allows to power off',
    weights: { crashAgent: 1 },
    plots: ['inTurn'],
    once: true,
    most: 1,
    workloadSteps: 2,
    lies: false,
    managers: [1],
    nodes: [8],
    vms: [16],
    store: 'memory',
    faultsMs: 330_000,
  },
  rack: {
    summary: 'ten of 32 nodes are lost at once: one incident, which waits for a person',
    weights: { crashAgent: 1, nodeCut: 1 },
    plots: ['rackLost'],
    once: true,
    most: 2,
    workloadSteps: 2,
    lies: false,
    managers: [1, 3],
    nodes: [32],
    vms: [32],
    store: 'memory',
  },
  lies: {
    summary: 'BMCs that say Off of nodes that live; no VM may move',
    weights: { crashManager: 1, expireLeader: 1, cutBoth: 1, domain: 1 },
    plots: ['lieWhileHeard', 'lieWhileSilent'],
    most: 4,
    workloadSteps: 2,
    lies: true,
  },
} as const satisfies Readonly<Record<string, FaultProfile>>;

export type ProfileName = keyof typeof profiles;

/** What a seed draws from, the mixture most often. */
export const profileNames: readonly ProfileName[] = [
  'mixed',
  'mixed',
  'mixed',
  'network',
  'unanswered',
  'power',
  'levels',
  'leaders',
  'leaders',
  'agents',
  'agents',
  'disks',
  'twoLeaders',
  'twoLeaders',
  'raft',
  'raft',
  'raft',
  'watchdog',
  'peerHold',
  'flaps',
  'flaps',
  'lies',
];
