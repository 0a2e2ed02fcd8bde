import type { SimBmcMode } from '../sim/bmc.ts';
import type { RandomStream } from '../sim/random.ts';
import type { SimCall, SimFault } from '../sim/sim-domain.ts';
import type { FaultEffect, Target } from './scenario.ts';

export interface Cast {
  readonly managers: readonly string[];
  readonly nodes: readonly string[];
  readonly vms: number;
}

type Draw = (random: RandomStream, cast: Cast) => FaultEffect;

export function aNode(random: RandomStream, cast: Cast): Target {
  return random.chance(0.4) ? `home-${1 + random.below(cast.vms)}` : random.pick(cast.nodes);
}

function aManager(random: RandomStream, cast: Cast): Target {
  if (random.chance(0.6)) return 'leader';
  return random.chance(0.5) ? 'follower' : random.pick(cast.managers);
}

function aHost(random: RandomStream, cast: Cast): Target {
  return random.chance(0.5) ? aNode(random, cast) : aManager(random, cast);
}

/** One of them leads half of the time, when the fault strikes. */
function twoMembers(
  random: RandomStream,
  { managers }: Cast,
): { readonly from: Target; readonly to: Target } {
  const [a, b] = [random.chance(0.5) ? 'leader' : random.pick(managers), random.pick(managers)];
  return random.chance(0.5) ? { from: a, to: b } : { from: b, to: a };
}

function aBmcMode(random: RandomStream): SimBmcMode {
  return random.pick<SimBmcMode>([
    { kind: 'lieOn' },
    { kind: 'stuck' },
    { kind: 'fail' },
    { kind: 'busy' },
    { kind: 'slow', ms: Math.round(random.between(500, 6000)) },
    { kind: 'unreachable' },
    { kind: 'dead' },
    { kind: 'wrongPassword' },
    { kind: 'dieMidOperation' },
    { kind: 'delayed', ms: Math.round(random.between(500, 8000)) },
    { kind: 'noSession' },
  ]);
}

/** An outlet that says Off of what is on could not be told from the truth, so none lies so. */
export function aPduMode(random: RandomStream): SimBmcMode {
  return random.pick<SimBmcMode>([
    { kind: 'stuck' },
    { kind: 'stuck' },
    { kind: 'lieOn' },
    { kind: 'fail' },
    { kind: 'busy' },
    { kind: 'slow', ms: Math.round(random.between(500, 3000)) },
    { kind: 'unreachable' },
    { kind: 'wrongPassword' },
  ]);
}

function aHypervisorFault(random: RandomStream): { call: SimCall; fault: SimFault } {
  const call = random.pick<SimCall>([
    'define',
    'start',
    'start',
    'destroy',
    'undefine',
    'setPermit',
    'migrate',
    'finish',
    'resume',
    'act',
  ]);
  const outcome = random.pick<SimFault>([
    { kind: 'lost' },
    { kind: 'ackLost', effectAfterMs: Math.round(random.between(0, 15_000)) },
    { kind: 'fails', code: 'simulatedFailure', message: 'the simulation says no' },
  ]);
  // A migration that libvirtd neither begins nor answers lasts until one of them starts anew, and its VM
  // runs on: nothing would come to rest.
  if (call === 'migrate' && outcome.kind === 'lost') return { call: 'finish', fault: outcome };
  return { call, fault: outcome };
}

/** Every kind of fault that is drawn by itself, by its name in the weights of a profile. */
export const drawn = {
  cut: (random, cast) =>
    random.chance(0.5)
      ? { kind: 'cut', from: aNode(random, cast), to: aManager(random, cast) }
      : { kind: 'cut', from: aManager(random, cast), to: aNode(random, cast) },
  cutBoth: (random, cast) => ({
    kind: 'cutBoth',
    a: aNode(random, cast),
    b: aManager(random, cast),
  }),
  isolate: (random, cast) => ({ kind: 'isolate', host: aHost(random, cast) }),
  partition: (random, cast) => ({
    kind: 'partition',
    hosts: [...cast.nodes, ...cast.managers].filter(() => random.chance(0.4)),
  }),
  poorLink: (random, cast) => {
    const [a, b] = [aNode(random, cast), aManager(random, cast)];
    const ends = random.chance(0.5) ? { from: a, to: b } : { from: b, to: a };
    const delayMs = Math.round(random.between(20, 900));
    const loss = random.pick([0, 0.05, 0.3]);
    const odd = random.chance(0.3);
    const [twice, overtakes] = odd ? [0.2, 0.2] : [0, 0];
    return { kind: 'poorLink', ...ends, delayMs, loss, twice, overtakes };
  },
  nodeCut: (random, cast) => ({
    kind: 'cutBoth',
    a: random.pick(cast.nodes),
    b: random.pick(cast.nodes),
  }),
  cutManagers: (random, cast) => ({ kind: 'cutManagers', node: aNode(random, cast) }),
  flap: (random, cast) => ({
    kind: 'flap',
    a: aNode(random, cast),
    b: aManager(random, cast),
    upMs: Math.round(random.between(300, 2000)),
    downMs: Math.round(random.pick([random.between(300, 2000), random.between(3000, 9000)])),
  }),
  /** Down for less than any profile waits, so that nothing may come of it. */
  shortFlap: (random, cast) => ({
    kind: 'flap',
    a: random.pick(cast.nodes),
    b: random.chance(0.5) ? random.pick(cast.managers) : random.pick(cast.nodes),
    upMs: Math.round(random.between(1000, 4000)),
    downMs: Math.round(random.between(200, 1500)),
  }),
  poorNodeLink: (random, cast) => ({
    kind: 'poorLink',
    from: random.pick(cast.nodes),
    to: random.pick(cast.managers),
    delayMs: Math.round(random.between(20, 500)),
    loss: random.pick([0, 0.05, 0.3]),
    twice: 0,
    overtakes: 0,
  }),
  peerCut: (random, cast) => ({ kind: 'cut', ...twoMembers(random, cast) }),
  peerCutBoth: (random, cast) => {
    const { from, to } = twoMembers(random, cast);
    return { kind: 'cutBoth', a: from, b: to };
  },
  peerLink: (random, cast) => {
    const delayMs = Math.round(random.between(20, 900));
    const loss = random.pick([0, 0.05, 0.3]);
    // Under TLS no message comes twice or overtakes another, and a repeated proposal is a second one.
    const order = { twice: 0, overtakes: 0 } as const;
    return { kind: 'poorLink', ...twoMembers(random, cast), delayMs, loss, ...order };
  },
  memberSplit: (random, cast) => ({
    kind: 'partition',
    hosts: cast.managers.filter(() => random.chance(0.4)),
  }),
  memberPower: (random, cast) => ({
    kind: 'managerPower',
    manager: random.chance(0.5) ? 'leader' : random.pick(cast.managers),
  }),
  crashAgent: (random, cast) => ({ kind: 'crash', host: aNode(random, cast) }),
  crashManager: (random, cast) => ({ kind: 'crash', host: aManager(random, cast) }),
  pause: (random, cast) => ({
    kind: 'pause',
    host: aHost(random, cast),
    beforeEffect: random.chance(0.6) ? 1 + random.below(60) : null,
  }),
  powerLoss: (random, cast) => ({
    kind: 'powerLoss',
    node: aNode(random, cast),
    withBmc: random.chance(0.3),
  }),
  reset: (random, cast) => ({ kind: 'reset', node: aNode(random, cast) }),
  panic: (random, cast) => ({ kind: 'panic', node: aNode(random, cast) }),
  freezeNode: (random, cast) => ({
    kind: 'freeze',
    host: aNode(random, cast),
    clocks: random.pick(['none', 'none', 'monotonic', 'both'] as const),
  }),
  freezeManager: (random, cast) => ({
    kind: 'freeze',
    host: aManager(random, cast),
    clocks: random.pick(['none', 'none', 'both'] as const),
  }),
  bmc: (random, cast) => ({ kind: 'bmc', node: aNode(random, cast), mode: aBmcMode(random) }),
  pdu: (random, cast) => ({
    kind: 'pdu',
    node: aNode(random, cast),
    which: random.pick(['pdu-a', 'pdu-b', 'both'] as const),
    mode: aPduMode(random),
  }),
  powerOnByPerson: (random, cast) => ({ kind: 'powerOnByPerson', node: aNode(random, cast) }),
  wrongBmc: (random, cast) => ({
    kind: 'wrongBmc',
    a: aNode(random, cast),
    b: random.pick(cast.nodes),
  }),
  daemon: (random, cast) => ({
    kind: 'daemon',
    node: aNode(random, cast),
    how: random.chance(0.6) ? 'hang' : 'kill',
  }),
  hypervisor: (random, cast) => ({
    kind: 'hypervisor',
    node: random.pick(cast.nodes),
    ...aHypervisorFault(random),
  }),
  domain: (random, cast) => ({
    kind: 'domain',
    vm: 1 + random.below(cast.vms),
    how: random.pick(['crash', 'crash', 'shutdown', 'ioError', 'hang', 'silence'] as const),
  }),
  stateDisk: (random, cast) => ({
    kind: 'stateDisk',
    node: aNode(random, cast),
    code: random.pick(['EIO', 'ENOSPC', 'EROFS'] as const),
  }),
  disk: (random, cast) => ({
    kind: 'disk',
    host: random.chance(0.6) ? aManager(random, cast) : aNode(random, cast),
    how: random.pick(['writes', 'syncs', 'full', 'slow', 'rot'] as const),
  }),
  managerPower: (random, cast) => ({ kind: 'managerPower', manager: aManager(random, cast) }),
  diskLost: (random, cast) => ({ kind: 'diskLost', manager: aManager(random, cast) }),
  storageCut: (random, cast) => ({ kind: 'storageCut', node: aNode(random, cast) }),
  ambiguousWrite: (random) => ({
    kind: 'ambiguousWrite',
    effect: random.pick([
      'evaluated',
      'lost',
      { lateMs: Math.round(random.between(1, 400)) },
    ] as const),
  }),
  expireLeader: (random) => ({ kind: 'expireLeader', tell: random.chance(0.2) }),
  cutStore: (random, cast) => ({ kind: 'cutStore', manager: aManager(random, cast) }),
  wallStep: (random, cast) => ({
    kind: 'wallStep',
    host: aHost(random, cast),
    byMs: Math.round(random.between(-3_600_000, 3_600_000)),
  }),
  replay: (random, cast) => ({
    kind: 'replay',
    node: aNode(random, cast),
    back: random.below(12),
    forged: random.chance(0.5),
  }),
  byHand: (random, cast) => ({
    kind: 'byHand',
    node: random.pick(cast.nodes),
    vm: 1 + random.below(cast.vms),
    how: random.pick(['now', 'atBoot', 'instead'] as const),
  }),
  fenceByPerson: (random, cast) => ({ kind: 'fenceByPerson', node: aNode(random, cast) }),
  petter: (random, cast) => ({
    kind: 'petter',
    node: aNode(random, cast),
    how: random.pick(['crash', 'crash', 'disarm', { beforePet: 1 + random.below(6) }] as const),
  }),
  unkillable: (random, cast) => ({ kind: 'unkillable', node: aNode(random, cast) }),
  lie: (random, cast) => ({
    kind: 'bmc',
    node: random.pick(cast.nodes),
    mode: { kind: random.chance(0.7) ? 'lieOff' : 'stuck' },
  }),
} as const satisfies Readonly<Record<string, Draw>>;

export type FaultName = keyof typeof drawn;

/** How long a drawn fault lasts, ms: mostly short, sometimes long enough for everything to follow. */
export function aDuration(random: RandomStream): number {
  const [from, to] = random.pick([
    [50, 1000],
    [1000, 5000],
    [3000, 12_000],
    [10_000, 30_000],
    [20_000, 60_000],
  ] as const);
  return Math.round(random.between(from, to));
}
