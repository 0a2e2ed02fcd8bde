import type { GuestCheck, GuestPolicy } from '../../src/core/model/guest.ts';
import type { VmDependency } from '../../src/core/model/order.ts';
import type { RandomStream } from '../sim/random.ts';
import type { WorkloadStep } from './scenario.ts';
import { vmName } from './stage.ts';

/** What a VM waits for before it starts, and what is done about its guest. */
export interface GuestPlan {
  readonly after: readonly VmDependency[];
  readonly guest: GuestPolicy | null;
}

/** Share of the seeds in which VMs depend on each other or are asked for their health. */
const share = 0.5;

/**
 * By number of the VM, from 1. A VM waits for earlier ones only, so that there is no cycle; where
 * everything must come to rest none is held for ever.
 */
export function drawGuests(
  random: RandomStream,
  vms: number,
  { mayHold }: { readonly mayHold: boolean },
): readonly GuestPlan[] {
  if (!random.chance(share)) return [];
  return Array.from({ length: vms }, (_, index) => ({
    after: Array.from({ length: index }, (_each, other) => other + 1)
      .filter(() => random.chance(0.5))
      .map((other) => dependencyOn(random, other, mayHold)),
    guest: random.chance(0.5) ? aPolicy(random, index + 1) : null,
  }));
}

function dependencyOn(random: RandomStream, number: number, mayHold: boolean): VmDependency {
  const timeoutMs = Math.round(random.between(3000, 20_000));
  const holds = random.chance(0.3);
  const gate = random.pick<VmDependency['gate']>([
    { kind: 'running' },
    { kind: 'delay', ms: Math.round(random.between(500, 5000)) },
    aCheck(random, number),
    aCheck(random, number),
  ]);
  return { vm: vmName(number), gate, timeoutMs, onTimeout: mayHold && holds ? 'hold' : 'continue' };
}

function aPolicy(random: RandomStream, number: number): GuestPolicy {
  const health = {
    check: aCheck(random, number),
    intervalMs: Math.round(random.between(1000, 3000)),
    timeoutMs: 1000,
    failures: 2 + random.below(3),
    graceMs: 15_000,
  };
  return { onShutdown: 'restart', onCrash: 'restart', health };
}

/** In the simulation a guest is reached by the name of its VM. */
function aCheck(random: RandomStream, number: number): GuestCheck {
  const address = { host: vmName(number), port: 80 };
  return random.pick<GuestCheck>([
    { kind: 'agent' },
    { kind: 'tcp', ...address },
    { kind: 'http', ...address, path: '/' },
  ]);
}

/** One after the other and at once, so that those that depend on others have to wait for them. */
export function createdTogether(steps: readonly WorkloadStep[]): readonly WorkloadStep[] {
  const first = new Set<number>();
  return steps
    .map((step) => {
      if (step.verb !== 'create' || first.has(step.vm)) return step;
      first.add(step.vm);
      return { ...step, atMs: Math.min(step.atMs, 1000 + step.vm * 200) };
    })
    .sort((a, b) => a.atMs - b.atMs);
}
