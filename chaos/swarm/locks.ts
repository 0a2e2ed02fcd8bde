import type { LockVm } from '../../src/api/schema/requests.ts';
import type { RandomStream } from '../sim/random.ts';
import type { Client } from './client.ts';
import { vmName, type Stage } from './stage.ts';

/** Something works on a VM from outside for a while. */
export interface LockPlan {
  readonly atMs: number;
  /** Its number, from 1. */
  readonly vm: number;
  readonly kind: LockVm['kind'];
  readonly forMs: number;
}

/** Share of the seeds in which VMs are locked. */
const share = 0.25;

/** A few locks, held for seconds up to most of the time of faults. */
export function drawLocks(
  random: RandomStream,
  vms: number,
  faultsMs: number,
): readonly LockPlan[] {
  if (!random.chance(share)) return [];
  return Array.from({ length: 1 + random.below(3) }, () => ({
    atMs: Math.round(random.between(6000, faultsMs)),
    vm: 1 + random.below(vms),
    kind: random.pick(['backup', 'backup', 'snapshot', 'create', 'hold'] as const),
    forMs: Math.round(random.between(3000, faultsMs / 2)),
  }));
}

/** Carries them out. What a lost call leaves locked is unlocked by the operator in the end. */
export function scheduleLocks(
  plans: readonly LockPlan[],
  { stage, client }: { readonly stage: Stage; readonly client: Client },
): void {
  const { time } = stage.cluster.world;
  const label = time.label('locks');
  for (const { atMs, vm, kind, forMs } of plans) {
    const name = vmName(vm);
    const at = (ms: number, call: Parameters<Client['person']>[0]): void => {
      time.schedule(ms - time.nowMs, () => client.person(call), label);
    };
    at(atMs, ({ vmVerbs }, caller) => vmVerbs.lock(name, { kind, reason: null }, caller));
    at(atMs + forMs, ({ vmVerbs }, caller) => vmVerbs.unlock(name, caller));
  }
}

/** Names of VMs that are locked, by their committed records. */
export function lockedVms(records: readonly { readonly value: string }[]): readonly string[] {
  return records.flatMap(({ value }) => {
    const { spec, lock } = JSON.parse(value) as {
      readonly spec: { readonly name: string };
      readonly lock?: object | null;
    };
    return lock == null ? [] : [spec.name];
  });
}
