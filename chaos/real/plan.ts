import { z } from 'zod';
import { randomFromSeed, type RandomStream } from '../sim/random.ts';

/** What the nemesis can do. `*` in the comments: only while it lasts. */
const nodeFaults = [
  'powerLoss',
  'powerLossWithBmc',
  'freeze',
  'reset',
  'shutDown',
  'killAll',
  'isolate',
  'unplug',
  'muteNode',
  'deafNode',
  'lossyLink',
  'smallPacketsOnly',
  'slowLink',
  'storageCut',
  'starve',
  'agentKill',
  'agentStop',
  'agentCrashLoop',
  'agentOff',
  'stateReadOnly',
  'stateFull',
  'stateSlow',
  'libvirtHang',
  'libvirtKill',
  'qemuKill',
  'bmcStuck',
  'bmcFail',
  'bmcLieOff',
  'bmcLieOn',
  'bmcSlow',
  'bmcDelayed',
  'bmcUnreachable',
  'bmcDead',
] as const;

const clusterFaults = [
  'managerKill',
  'managerStop',
  'managerCut',
  'managerStarve',
  'storeFull',
  'storeSlow',
  'storageStop',
  'everyNodeCut',
  'everyAgentKill',
] as const;

/** Not drawn: what no part of Kennel does, so that a checker has something to find. */
const plantedFaults = ['secondWriter'] as const;

export const faultKinds = [...nodeFaults, ...clusterFaults, ...plantedFaults] as const;
export type FaultKind = (typeof faultKinds)[number];

export const plannedFaultSchema = z.object({
  atMs: z.number().min(0),
  fault: z.enum(faultKinds),
  /** A node, or what the fault is about when it is none. */
  target: z.string(),
  durationMs: z.number().min(0),
});

export type PlannedFault = z.infer<typeof plannedFaultSchema>;

/** One thing that a client asks for. */
export interface PlannedCall {
  readonly atMs: number;
  readonly verb: 'create' | 'start' | 'stop' | 'delete';
  /** Number of the VM, from 1. */
  readonly vm: number;
}

export interface Plan {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly PlannedFault[];
  readonly calls: readonly PlannedCall[];
}

export interface PlanSize {
  readonly nodes: number;
  readonly vms: number;
}

/** Quiet time before the first fault and after the last one has begun, ms. */
const quietMs = { before: 3000, after: 8000 };

/** How long each lasts, ms; whatever is over at once is here with 0. */
const instant: ReadonlySet<FaultKind> = new Set([
  'reset',
  'agentKill',
  'libvirtKill',
  'qemuKill',
  'everyAgentKill',
]);

/** Faults after which a node is silent, whatever its BMC says of it. */
const silencing: ReadonlySet<FaultKind> = new Set([
  'freeze',
  'isolate',
  'unplug',
  'muteNode',
  'deafNode',
  'lossyLink',
  'smallPacketsOnly',
  'slowLink',
  'starve',
  'stateSlow',
  'agentStop',
  'agentOff',
  'agentCrashLoop',
  'everyNodeCut',
  'managerStop',
  'managerCut',
  'managerStarve',
  'storeSlow',
  'managerKill',
  'everyAgentKill',
  'agentKill',
  'reset',
  'shutDown',
  'killAll',
]);

const bmcFaults: ReadonlySet<FaultKind> = new Set([
  'bmcStuck',
  'bmcFail',
  'bmcLieOff',
  'bmcLieOn',
  'bmcSlow',
  'bmcDelayed',
  'bmcUnreachable',
  'bmcDead',
]);

/**
 * The faults and calls of a seed: the same ones for the same seed, minutes and size, whatever
 * machine they run on. Faults overlap, but no two of one kind on one target.
 *
 * A BMC that reads Off while its node lives and is silent cannot be told from the truth (README);
 * so no node is silenced while its BMC lies so.
 */
export function drawPlan(seed: number, minutes: number, size: PlanSize): Plan {
  const random = randomFromSeed(seed);
  const endMs = minutes * 60_000;
  return {
    seed,
    minutes,
    faults: drawFaults(random.split('faults'), endMs, size),
    calls: drawCalls(random.split('calls'), endMs, size),
  };
}

function drawFaults(random: RandomStream, endMs: number, size: PlanSize): PlannedFault[] {
  const faults: PlannedFault[] = [];
  let atMs = quietMs.before;
  for (;;) {
    const isOnNode = random.chance(0.78);
    const fault: FaultKind = isOnNode ? random.pick(nodeFaults) : random.pick(clusterFaults);
    const node = `node-${1 + random.below(size.nodes)}`;
    const target = isOnNode ? node : 'cluster';
    // Most are longer than the detection time, some shorter.
    const drawnMs = random.chance(0.3) ? random.between(300, 2500) : random.between(4000, 22_000);
    const stretch = bmcFaults.has(fault) ? 1.5 : 1;
    const lastsMs = instant.has(fault) ? 0 : Math.round(drawnMs * stretch);
    const next = { atMs: Math.round(atMs), fault, target, durationMs: lastsMs };
    if (next.atMs + quietMs.after > endMs) break;
    if (!clashes(next, faults)) faults.push(next);
    // Often a second one while the first is in force.
    atMs += random.chance(0.45) ? random.between(100, 3000) : lastsMs + random.between(1500, 8000);
  }
  return faults;
}

function clashes(next: PlannedFault, before: readonly PlannedFault[]): boolean {
  // What a fault leads to goes on after it: a node that booted, an operation that acts.
  const afterMs = 15_000;
  const meets = (one: PlannedFault): boolean => next.atMs <= one.atMs + one.durationMs + afterMs;
  const sameTarget = (one: PlannedFault): boolean =>
    one.target === next.target || one.target === 'cluster' || next.target === 'cluster';
  return before.filter(meets).some((one) => {
    if (one.fault === next.fault && one.target === next.target) return true;
    if (one.target === next.target && bmcFaults.has(one.fault) && bmcFaults.has(next.fault)) {
      return true;
    }
    const lies = one.fault === 'bmcLieOff' ? next : next.fault === 'bmcLieOff' ? one : null;
    return lies !== null && sameTarget(one) && silencing.has(lies.fault);
  });
}

function drawCalls(random: RandomStream, endMs: number, size: PlanSize): PlannedCall[] {
  const calls: PlannedCall[] = [];
  const weighted = ['stop', 'start', 'start', 'start', 'delete', 'create', 'create'] as const;
  for (let atMs = quietMs.before; atMs < endMs; atMs += random.between(800, 4000)) {
    const verb = random.pick(weighted);
    calls.push({ atMs: Math.round(atMs), verb, vm: 1 + random.below(size.vms) });
  }
  return calls;
}
