import type { SnapshotWish } from '../../src/core/model/vm-snapshot.ts';
import type { RandomStream } from '../sim/random.ts';
import type { Client } from './client.ts';
import { vmName, type Stage } from './stage.ts';

/** A VM has a snapshot made, goes back to it once or twice, and has it deleted. */
export interface SnapshotPlan {
  /** Its number, from 1. */
  readonly vm: number;
  readonly calls: readonly { readonly atMs: number; readonly wish: SnapshotWish }[];
}

/** Share of the seeds in which VMs have snapshots. */
const share = 0.25;

export function drawSnapshots(
  random: RandomStream,
  vms: number,
  faultsMs: number,
): readonly SnapshotPlan[] {
  if (!random.chance(share)) return [];
  return Array.from({ length: 1 + random.below(2) }, () => {
    const beganMs = random.between(8000, Math.max(9000, faultsMs - 10_000));
    const wishes: readonly SnapshotWish[] = random.chance(0.5)
      ? ['create', 'revert', 'delete']
      : ['create', 'revert', 'revert'];
    let atMs = beganMs;
    const calls = wishes.map((wish) => {
      const call = { atMs: Math.round(atMs), wish };
      atMs += random.between(1500, 8000);
      return call;
    });
    return { vm: 1 + random.below(vms), calls };
  });
}

export function scheduleSnapshots(
  plans: readonly SnapshotPlan[],
  { stage, client }: { readonly stage: Stage; readonly client: Client },
): void {
  const { time } = stage.cluster.world;
  const label = time.label('snapshots');
  for (const [index, { vm, calls }] of plans.entries()) {
    const snapshot = `s-${index}`;
    for (const { atMs, wish } of calls) {
      const body = { wish, snapshot, note: null, request: `${snapshot}-${atMs}` };
      time.schedule(
        atMs - time.nowMs,
        () => client.person(({ vmVerbs }, caller) => vmVerbs.snapshot(vmName(vm), body, caller)),
        label,
      );
    }
  }
}
