import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { groupProcesses } from './control-group.ts';

/** A CPU is given out anew so often, µs. */
const periodUs = 100_000;

/**
 * Where the kernel's CPU controller is: in the tree of control groups that the lab has anyway, or, on
 * a machine that keeps the older trees too, in one of its own.
 */
export type CpuController =
  | { readonly kind: 'unified'; readonly root: string }
  | { readonly kind: 'own'; readonly root: string };

/** @param mounts as in /proc/self/mounts. @returns null where no group can be limited. */
export function cpuController(mounts: string): CpuController | null {
  const lines = mounts.split('\n').map((line) => line.split(' '));
  const own = lines.find(([, , type, options]) => {
    return type === 'cgroup' && options?.split(',').includes('cpu') === true;
  });
  if (own?.[1] !== undefined) return { kind: 'own', root: own[1] };
  const unified = lines.find(([, , type]) => type === 'cgroup2')?.[1];
  if (unified === undefined) return null;
  const offers = readFileSync(join(unified, 'cgroup.controllers'), 'utf8').trim().split(' ');
  return offers.includes('cpu') ? { kind: 'unified', root: unified } : null;
}

/**
 * Leaves the processes of a group, and all that they start, so much CPU time: 0.05 = 5 % of one CPU.
 * Null = as much as there is. What enters the group in another way than by birth may be left out.
 */
export function setCpuShare(
  controller: CpuController,
  { labGroup, group }: { readonly labGroup: string; readonly group: string },
  share: number | null,
): void {
  const quotaUs = share === null ? null : Math.max(1000, Math.round(share * periodUs));
  if (controller.kind === 'unified') {
    for (const above of [dirname(labGroup), labGroup]) {
      writeFileSync(join(above, 'cgroup.subtree_control'), '+cpu');
    }
    writeFileSync(join(group, 'cpu.max'), `${quotaUs ?? 'max'} ${periodUs}`);
    return;
  }
  const limited = join(controller.root, basename(labGroup), basename(group));
  if (quotaUs === null && !existsSync(limited)) return;
  mkdirSync(limited, { recursive: true });
  writeFileSync(join(limited, 'cpu.cfs_period_us'), String(periodUs));
  writeFileSync(join(limited, 'cpu.cfs_quota_us'), String(quotaUs ?? -1));
  if (quotaUs !== null) moveProcesses(group, limited);
}

/** The share that a group is left; null = no limit. */
export function cpuShare(
  controller: CpuController,
  { labGroup, group }: { readonly labGroup: string; readonly group: string },
): number | null {
  const limited = join(controller.root, basename(labGroup), basename(group));
  const [file, isInFirst] =
    controller.kind === 'unified'
      ? [join(group, 'cpu.max'), true]
      : [join(limited, 'cpu.cfs_quota_us'), groupProcesses(limited).length > 0];
  if (!existsSync(file) || !isInFirst) return null;
  const quotaUs = Number(readFileSync(file, 'utf8').split(' ')[0]);
  return quotaUs > 0 ? quotaUs / periodUs : null;
}

/** Of a tree of its own; null = the lab's own groups are all there is. */
export function ownCpuGroup(controller: CpuController, labGroup: string): string | null {
  return controller.kind === 'own' ? join(controller.root, basename(labGroup)) : null;
}

/** Children that are born meanwhile are outside, or in already. */
function moveProcesses(from: string, to: string): void {
  for (;;) {
    const there = new Set(groupProcesses(to));
    const outside = groupProcesses(from).filter((pid) => !there.has(pid));
    if (outside.length === 0) return;
    for (const pid of outside) {
      try {
        writeFileSync(join(to, 'cgroup.procs'), String(pid));
      } catch (error) {
        // It has just ended.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }
}
